import { type AccessLine, accessLines, LONGEST_ACCESS_LINE } from "./access-lines.ts";

/**
 * What HAProxy tells of single requests: its statistics have averages of response times only. It writes a line for each request into a
 * ring in its memory, from which the runtime API gives them out: no file, no port, nothing to wait for, and what nobody
 * fetches is lost when the ring is full. docs/decisions/009-traffic-figures.md weighs the other ways.
 */
const RING = "traffic";

/** A line has three names, each at most some 800 bytes long, and a few numbers; most have 300 bytes in all. */
const LONGEST_LINE = 3072;

/** Holds what some 3000 requests tell, many times what may come in a second. */
const RING_BYTES = 1024 * 1024;

/**
 * Lines that all listeners together may bring in a second; above, each writes of a fraction of its requests only. A line by itself is dear:
 * it wakes a thread of HAProxy's and the process that follows.
 */
const LINES_PER_SECOND = 200;
const LEAST_PER_LISTENER = 10;

/** Above its share of LINES_PER_SECOND a listener writes of one request in so many, and above so many times its share of fewer. */
const ONE_IN = 32;
const ONE_IN_OF_MANY = 512;

/** A line's severity says how many requests it stands for, so that a request that is not written of costs next to nothing. */
const WEIGHT_BY_SEVERITY: Readonly<Record<number, number>> = { 6: 1, 5: ONE_IN, 4: ONE_IN_OF_MANY };

/** With access logs, each request is written of: some 30,000 of them fit. */
const ACCESS_RING_BYTES = 16 * 1024 * 1024;

/** The section of the ring. */
export const ringSection = (hasAccessLog: boolean): string[] => [
  `ring ${RING}`,
  "  format priority",
  `  maxlen ${hasAccessLog ? LONGEST_ACCESS_LINE : LONGEST_LINE}`,
  `  size ${hasAccessLog ? ACCESS_RING_BYTES : RING_BYTES}`,
];

const logLine = (longest: number) => `  log ring@${RING} len ${longest} format priority local0 info`;

/**
 * The lines of an HTTP frontend that have it tell of its requests as those of `frontend`, that of one of `listeners`; for an access log of
 * each, and all that there is to tell.
 */
export function tellingLines(frontend: string, listeners: number, hasAccessLog: boolean): string[] {
  if (hasAccessLog) return [logLine(LONGEST_ACCESS_LINE), ...accessLines(frontend)];
  const share = Math.max(LEAST_PER_LISTENER, Math.floor(LINES_PER_SECOND / Math.max(1, listeners)));
  const many = share * ONE_IN;
  return [
    logLine(LONGEST_LINE),
    `  log-format "${MARK} ${frontend} %b %s %Tr"`,
    `  http-request set-log-level silent if { fe_req_rate gt ${share} }`,
    // The draw comes first: of most requests nothing more is asked.
    `  http-request set-log-level notice if { rand(${ONE_IN}) eq 0 } { fe_req_rate gt ${share} } { fe_req_rate le ${many} }`,
    `  http-request set-log-level warning if { rand(${ONE_IN_OF_MANY}) eq 0 } { fe_req_rate gt ${many} }`,
  ];
}

const MARK = "answer";

/** Prints what the ring has and goes on with what comes; with `-n`, only what comes. */
export const followCommand = (onlyNew: boolean): string => `show events ${RING} -w${onlyNew ? " -n" : ""}`;

/** What a line tells of a request that a target answered. */
export interface AnswerLine {
  readonly frontend: string;
  readonly backend: string;
  readonly server: string;
  /** From the last byte of the request to the answer's headers, whole milliseconds. */
  readonly ms: number;
  /** How many requests it stands for. */
  readonly weight: number;
}

const LINE = new RegExp(`^<(\\d+)>${MARK} (\\S+) (\\S+) (\\S+) (\\d+)$`);

/** What a line of the ring tells, or undefined if it tells of no answer by a target. */
export function parseAnswerLine(line: string): AnswerLine | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const [, priority, frontend = "", backend = "", server = "", ms] = match;
  if (server.startsWith("<")) return undefined; // <NOSRV>
  const weight = WEIGHT_BY_SEVERITY[Number(priority) & 7];
  if (weight === undefined) return undefined;
  return { frontend, backend, server, ms: Number(ms), weight };
}

/** What a line for an access log tells of an answer by a target; undefined if none answered. */
export function answerOf({ frontend, backend, server, record }: AccessLine): AnswerLine | undefined {
  if (record.targetId === undefined || record.targetMs < 0) return undefined;
  return { frontend, backend, server, ms: record.targetMs, weight: 1 };
}
