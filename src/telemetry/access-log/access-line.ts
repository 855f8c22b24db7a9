import type { AccessRecord } from "../../balancer/index.ts";

/** What is known of a request beside its record. */
export interface AccessFacts {
  /** `app/NAME/ID`. */
  readonly balancer: string;
  readonly port: number;
  /** Whether the listener speaks TLS. */
  readonly secure: boolean;
  /** The rule that decided; absent where none did. The default has priority 0. */
  readonly rule?: { readonly priority: number; readonly action: string };
  /** When the record came, in milliseconds since the Unix epoch. */
  readonly now: number;
}

/**
 * One line of an access log, without its line break: the fields of an Application Load Balancer's, in their order. `-` for what is not known:
 * chosen certificate, error reason, classification and trace of the connection. Source: ELB user guide, "Access log entries".
 */
export function accessLine(record: AccessRecord, { balancer, port, secure, rule, now }: AccessFacts): string {
  const { at, receiveMs, queueMs, connectMs, targetMs, totalMs, status, targetAddress = "-", location } = record;
  const createdAt = at === undefined ? now : at - Math.max(0, receiveMs);
  const endedAt = at === undefined ? now : createdAt + Math.max(0, totalMs);
  const wasSent = record.targetId !== undefined && connectMs >= 0;
  const hasAnswer = record.targetId !== undefined && targetMs >= 0;
  const targetStatus = hasAnswer ? String(status) : "-";
  return [
    typeOf(record, secure),
    timeOf(endedAt),
    balancer,
    record.client,
    targetAddress,
    seconds(wasSent ? Math.max(0, queueMs) + connectMs : -1),
    seconds(hasAnswer ? targetMs : -1),
    seconds(hasAnswer ? 0 : -1),
    status > 0 ? String(status) : "-",
    targetStatus,
    String(record.bytesIn),
    String(record.bytesOut),
    quoted(requestOf(record, secure, port)),
    quoted(record.userAgent),
    record.tlsCipher || "-",
    record.tlsVersion || "-",
    record.targetGroupId ?? "-",
    quoted(record.traceId),
    quoted(record.serverName),
    quoted(""),
    rule === undefined ? "-" : String(rule.priority),
    timeOf(createdAt),
    quoted(rule?.action ?? ""),
    quoted(rule?.action === "redirect" ? location : ""),
    quoted(""),
    quoted(targetAddress),
    quoted(targetStatus),
    quoted(""),
    quoted(""),
    "-",
  ].join(" ");
}

function typeOf({ version, status }: AccessRecord, secure: boolean): string {
  if (status === 101) return secure ? "wss" : "ws";
  if (!secure) return "http";
  return version.startsWith("HTTP/2") ? "h2" : "https";
}

/** With six digits of a second, as in ELB's; the last three are not known. */
const timeOf = (at: number) => new Date(at).toISOString().replace("Z", "000Z");

const seconds = (ms: number) => (ms < 0 ? "-1" : (ms / 1000).toFixed(3));

/** The request line with the whole URL. */
function requestOf({ method, uri, version, host }: AccessRecord, secure: boolean, port: number): string {
  const name = host.replace(/:\d*$/, "");
  const origin = `${secure ? "https" : "http"}://${name || "-"}:${port}`;
  return `${method || "-"} ${uri.startsWith("/") || uri === "" ? `${origin}${uri || "-"}` : uri} ${version || "-"}`;
}

/** In double quotes; what could end them, or the line, as `\xNN` for each of its bytes. */
function quoted(text: string): string {
  const escaped = text.replace(/[^\x20-\x7e]|["\\]/gu, (char) =>
    [...Buffer.from(char, "utf8")].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
  return `"${escaped || "-"}"`;
}
