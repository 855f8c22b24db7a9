import { statisticsColumns } from "../process/statistics.ts";

/** What HAProxy counts, by the names of its statistics' columns. All only grow while a worker lives. */
const COUNTERS = [
  ...["req_tot", "conn_tot", "lbtot", "stot", "bin", "bout", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx"],
  ...["ereq", "econ", "eresp"],
] as const;

/** The place of a counter in `counts`. */
export const AT = {
  requests: 0,
  clientConnections: 1,
  /** How often a server was chosen for a connection or request: retries to the same one are not counted. */
  chosen: 2,
  /** Of a backend: connections or requests that it got. */
  sessions: 3,
  bytesIn: 4,
  bytesOut: 5,
  "2xx": 6,
  "3xx": 7,
  "4xx": 8,
  "5xx": 9,
  badRequests: 10,
  connectionErrors: 11,
  responseErrors: 12,
} as const;

export const COUNTER_COUNT = COUNTERS.length;

const KINDS = { 0: "frontend", 1: "backend", 2: "server" } as const;

/** A frontend, backend or server with all that is counted of it. */
export interface CounterRow {
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  /** The frontend or backend. */
  readonly proxy: string;
  /** Of a server; `FRONTEND` or `BACKEND` otherwise. */
  readonly name: string;
  readonly mode: string;
  /** Under way now: connections of a frontend, requests or connections of others. */
  readonly active: number;
  readonly counts: readonly number[];
}

const COLUMNS = ["pxname", "svname", "type", "mode", "scur", ...COUNTERS];

/** The rows of an answer to `show stat`. Throws if it is no such answer. */
export function parseCounters(answer: string): CounterRow[] {
  return statisticsColumns(answer, COLUMNS).flatMap(
    ([proxy = "", name = "", type = "", mode = "", active, ...counts]) => {
      const kind = KINDS[Number(type) as keyof typeof KINDS];
      return kind === undefined
        ? []
        : [{ kind, proxy, name, mode, active: Number(active), counts: counts.map(Number) }];
    },
  );
}
