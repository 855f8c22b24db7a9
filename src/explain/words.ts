import type { Instant } from "../runtime/clock.ts";

/** A time span in its largest sensible unit: `0 s`, `95 s`, `5 min`, `3 h`, `2 d`. Milliseconds; negative ones are 0. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** How long ago: `5 min ago`. */
export function ago(at: Instant, now: Instant): string {
  return `${span(now - at)} ago`;
}

/** A moment to come, with its time of day: `in 40 s (12:03:05 UTC)`. */
export function inTime(at: Instant, now: Instant): string {
  return `in ${span(at - now)} (${new Date(at).toISOString().slice(11, 19)} UTC)`;
}

/** `1 task`, `3 tasks`. Regular plurals only. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** `1 task is`, `3 tasks are`. */
export function countedAre(count: number, noun: string): string {
  return `${counted(count, noun)} ${count === 1 ? "is" : "are"}`;
}

/** `a`, `a and b`, `a, b and c`; after `max` of them `a, b and 7 more`. */
export function listed(items: readonly string[], max = 5): string {
  const shown = items.length > max ? [...items.slice(0, max - 1), `${items.length - max + 1} more`] : items;
  if (shown.length <= 1) return shown[0] ?? "";
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** The part of an ARN after its last slash: an id, or `family:revision`. */
export function lastPart(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** The words of another part as the end of a sentence of ours: without the full stop, on one line, and not endless. */
export function quoted(text: string): string {
  const line = text.trim().replace(/\s+/g, " ").replace(/\.$/, "");
  return line.length <= MAX_QUOTED ? line : `${line.slice(0, MAX_QUOTED - 1)}…`;
}

const MAX_QUOTED = 300;
