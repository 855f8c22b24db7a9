import { createHmac, timingSafeEqual } from "node:crypto";
import type { LogPosition } from "../../gateway/index.ts";
import { invalidParameter } from "./errors.ts";

/** Where a stream's reader stands, and which way it reads on: what a token of GetLogEvents holds. */
export interface EventToken {
  readonly direction: "forward" | "backward";
  readonly position: LogPosition;
}

/** What makes tokens that cannot be forged and are good for one stream only. */
export interface TokenKey {
  readonly secret: string;
  readonly stream: string;
}

/** Digits of the HMAC that a token carries, in hex: enough that guessing one is hopeless. */
const MAC_DIGITS = 32;
const TOKEN = /^(?<way>[fb])\/(?<mac>[0-9a-f]{32})(?<ms>\d{16})(?<count>\d{12})$/;

/** `f/…` reads on forward, `b/…` backward, as the tokens of AWS begin. */
export function makeToken({ direction, position }: EventToken, key: TokenKey): string {
  const digits = `${String(position.ms).padStart(16, "0")}${String(position.count).padStart(12, "0")}`;
  return `${direction === "forward" ? "f" : "b"}/${mac(digits, key)}${digits}`;
}

/** Throws InvalidParameterException for what was not made here, or for another stream. */
export function openToken(token: string, key: TokenKey): EventToken {
  const { way = "", mac: given = "", ms = "", count = "" } = TOKEN.exec(token)?.groups ?? {};
  if (way === "" || !timingSafeEqual(Buffer.from(given), Buffer.from(mac(ms + count, key))))
    throw invalidParameter("The specified nextToken is invalid.");
  return {
    direction: way === "f" ? "forward" : "backward",
    position: { ms: Number(ms), count: Number(count) },
  };
}

function mac(digits: string, { secret, stream }: TokenKey): string {
  return createHmac("sha256", secret).update(`${stream}\n${digits}`).digest("hex").slice(0, MAC_DIGITS);
}

/** The later of two places; one that is not there counts as the log's beginning. */
export function later(a: LogPosition | undefined, b: LogPosition | undefined): LogPosition | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isBefore(a, b) ? b : a;
}

/** The earlier of two places; one that is not there counts as the log's end. */
export function earlier(a: LogPosition | undefined, b: LogPosition | undefined): LogPosition | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isBefore(a, b) ? a : b;
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.ms < b.ms || (a.ms === b.ms && a.count < b.count);
}

/**
 * The places before the first and after the last of some events. `offset` events of the first one's millisecond come before
 * it. Example: timestamps 5, 7, 7 with offset 2 lie between (5, 2) and (7, 2); 7, 7 with offset 1 between (7, 1) and (7, 3).
 */
export function bounds(
  events: readonly { readonly timestamp: number }[],
  offset: number,
): { readonly start: LogPosition; readonly end: LogPosition } | undefined {
  const first = events[0]?.timestamp;
  const last = events.at(-1)?.timestamp;
  if (first === undefined || last === undefined) return undefined;
  const inLast = events.length - events.findIndex((it) => it.timestamp === last);
  return {
    start: { ms: first, count: offset },
    end: { ms: last, count: inLast + (first === last ? offset : 0) },
  };
}
