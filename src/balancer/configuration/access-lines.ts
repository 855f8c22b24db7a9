import type { AccessRecord } from "../access-record.ts";
import { isHandedOver } from "./handover.ts";
import { listenerIdOf, targetGroupIdOf, targetIdOf } from "./names.ts";
import { quoteWord } from "./quote-word.ts";

const MARK = "access";

/** Bytes of a request's own words that are kept: JSON makes some characters longer, and a whole line has at most LONGEST_ACCESS_LINE. */
const KEPT = { uri: 2048, agent: 512, host: 256, trace: 256, to: 1024 } as const;
/** Characters of a word that is short unless somebody means harm. */
const SHORT = 64;
export const LONGEST_ACCESS_LINE = 16_384;

/** What is noted of a request while it is there, for the line comes when it is over. */
const NOTES = {
  at: "date(0,ms)",
  uri: "url",
  host: "req.hdr(host)",
  agent: "req.hdr(user-agent)",
  trace: "req.hdr(x-amzn-trace-id)",
} as const;

const noted = (name: keyof typeof KEPT) => `"%[var(txn.${name}),bytes(0,${KEPT[name]}),json(utf8s)]"`;

/** The fields of a line behind the frontend's name, by whose places parseAccessLine reads it. */
const FORMAT = [
  ...['"%b"', '"%s"', "%Tr", '"%[var(txn.at)]"', "%TR", "%Tw", "%Tc", "%Ta", "%ST", "%U", "%B", '"%ci"', "%cp"],
  ...['"%si"', '"%sp"', '"%[var(txn.rule)]"', '"%HM"', '"%HV"', noted("uri"), noted("host"), noted("agent")],
  ...[noted("trace"), noted("to"), '"%sslv"', '"%sslc"', '"%[ssl_fc_sni,json(utf8s)]"'],
];

/** The lines of a frontend that have it write of each request, as JSON, as one to the listener of `frontend`. */
export function accessLines(frontend: string): string[] {
  return [
    `  log-format ${quoteWord(`${MARK} ["${frontend}",${FORMAT.join(",")}]`)}`,
    ...Object.entries(NOTES).map(([name, of]) => `  http-request set-var(txn.${name}) ${of}`),
    "  http-after-response set-var(txn.to) res.hdr(location) if { status 300:399 }",
  ];
}

/** What one line tells: the record, and its names as the configuration has them. */
export interface AccessLine {
  readonly frontend: string;
  readonly backend: string;
  readonly server: string;
  readonly record: AccessRecord;
}

/** What a line of the ring says, or undefined if it is no whole line about a request to a listener. */
export function parseAccessLine(line: string): AccessLine | undefined {
  const start = line.indexOf(`>${MARK} [`);
  if (start < 0 || start > 5) return undefined;
  const fields = arrayIn(line.slice(line.indexOf("[")));
  if (fields?.length !== 1 + FORMAT.length) return undefined;
  const text = (index: number, most = 1024) => {
    const value = String(fields[index]).slice(0, most);
    return value === "-" || value === "<BADREQ>" ? "" : value;
  };
  const number = (index: number, least = -1) => {
    const value = Number(fields[index]);
    return Number.isInteger(value) ? Math.max(least, value) : least;
  };
  const [frontend, backend, server] = [text(0), text(1), text(2)];
  const listenerId = listenerIdOf(frontend);
  // Another line tells of what was handed over to the worker of now.
  if (listenerId === undefined || isHandedOver(backend, server)) return undefined;
  const hasTarget = !server.startsWith("<");
  const record: AccessRecord = {
    listenerId,
    targetGroupId: targetGroupIdOf(backend),
    targetId: hasTarget ? targetIdOf(server) : undefined,
    targetAddress: hasTarget ? `${text(14)}:${text(15)}` : undefined,
    ruleKey: text(16) || undefined,
    at: text(4) === "" ? undefined : number(4, 0),
    receiveMs: number(5),
    queueMs: number(6),
    connectMs: number(7),
    targetMs: number(3),
    totalMs: number(8),
    status: number(9),
    bytesIn: number(10, 0),
    bytesOut: number(11, 0),
    client: `${text(12)}:${text(13)}`,
    method: text(17, SHORT),
    version: text(18, SHORT),
    uri: text(19, KEPT.uri),
    host: text(20, KEPT.host),
    userAgent: text(21, KEPT.agent),
    traceId: text(22, KEPT.trace),
    location: text(23, KEPT.to),
    tlsVersion: text(24, SHORT),
    tlsCipher: text(25, SHORT),
    serverName: text(26, KEPT.host),
  };
  return { frontend, backend, server, record };
}

function arrayIn(text: string): unknown[] | undefined {
  try {
    return JSON.parse(text) as unknown[];
  } catch {
    return undefined; // cut off at the longest that a line may be
  }
}
