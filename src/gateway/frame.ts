import * as v from "valibot";

/** Bytes of one frame from an agent: ECS's own agent keeps telemetry below 1 MiB. */
export const MAX_FRAME_BYTES = 2 * 1024 * 1024;

/** One message as it travels, in both directions: `{"type":"<name>","message":{...}}`. */
export interface Frame {
  readonly type: string;
  readonly message: unknown;
}

const frame = v.object({ type: v.pipe(v.string(), v.maxLength(100)), message: v.optional(v.unknown(), {}) });

/**
 * Reads a frame. One from telemetry has a block of signed header lines and an empty line before the JSON; they are left
 * out, since the connection itself was signed. Answers a sentence for what is no frame.
 */
export function readFrame(text: string): Frame | string {
  const start = text.startsWith("{") ? 0 : text.indexOf("\r\n\r\n") + 4;
  if (start === 3) return "the frame is neither JSON nor header lines followed by JSON";
  let value: unknown;
  try {
    value = JSON.parse(text.slice(start));
  } catch {
    return "the frame is not JSON";
  }
  const parsed = v.safeParse(frame, value);
  return parsed.success ? (parsed.output as Frame) : v.summarize(parsed.issues);
}

/** A frame as text. */
export function writeFrame(type: string, message: object): string {
  return JSON.stringify({ type, message });
}
