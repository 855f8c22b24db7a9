import type { LogLine } from "../container-runtime.ts";
import { RuntimeError } from "../container-runtime.ts";

/** Longest message of one line: CloudWatch Logs' limit for an event. What is longer becomes several lines. */
export const MAX_LINE_BYTES = 256 * 1024;
/** Docker's own pieces of a long line are 16 KiB; a frame beyond this is not one of its logs API. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** Bytes before each frame: stream number (1 output, 2 error, 3 the daemon's own failure), three zeros, length. */
const HEADER_BYTES = 8;
/** At how many bytes Docker cuts a line that is longer. */
const PIECE_BYTES = 16 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;

/**
 * The lines of Docker's multiplexed logs stream with timestamps. Each frame holds one piece: a timestamp, a space, and a
 * line with its newline or, of a line longer than 16 KiB, a part of it without; the parts are put together again.
 * Throws RuntimeError for what is no such stream, and for a failure that the daemon writes into it.
 */
export async function* multiplexedLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<LogLine> {
  const open = new Map<number, OpenLine>();
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= HEADER_BYTES) {
      const stream = rest[at] ?? 0;
      const length = rest.readUInt32BE(at + 4);
      if (stream > 3 || length > MAX_FRAME_BYTES)
        throw new RuntimeError("failed", "the Docker daemon's log stream is not framed");
      const end = at + HEADER_BYTES + length;
      if (rest.length < end) break;
      const payload = rest.subarray(at + HEADER_BYTES, end);
      at = end;
      if (stream === 3)
        throw new RuntimeError("failed", `the Docker daemon cannot read the log: ${payload.toString().trim()}`);
      const line = joined(open, stream, payload);
      if (line !== undefined) yield line;
    }
    rest = rest.subarray(at);
  }
  for (const line of open.values()) yield finished(line);
}

/** The lines of a container with a terminal: no frames, output and error are one. Otherwise like `multiplexedLines`. */
export async function* terminalLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<LogLine> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, at)) {
      yield* terminalLine(rest.subarray(at, end));
      at = end + 1;
    }
    rest = rest.subarray(at);
    if (rest.length > MAX_FRAME_BYTES) throw new RuntimeError("failed", "a line of the container's log is too long");
  }
  if (rest.length > 0) yield* terminalLine(rest);
}

/** A line that is being put together from its pieces. */
interface OpenLine {
  readonly timestamp: number;
  readonly parts: Buffer[];
  bytes: number;
}

/** Adds a piece to its stream's line, and answers the line if it is complete. */
function joined(open: Map<number, OpenLine>, stream: number, payload: Buffer): LogLine | undefined {
  const { timestamp, text } = stamped(payload);
  const line = open.get(stream) ?? { timestamp, parts: [], bytes: 0 };
  const ends = text.at(-1) === NEWLINE;
  const part = ends ? text.subarray(0, -1) : text;
  line.parts.push(part);
  line.bytes += part.length;
  if (ends || line.bytes + PIECE_BYTES > MAX_LINE_BYTES) {
    open.delete(stream);
    return finished(line);
  }
  open.set(stream, line);
  return undefined;
}

function finished({ timestamp, parts }: OpenLine): LogLine {
  return { timestamp, message: Buffer.concat(parts).toString(), pieces: parts.length };
}

/** Docker repeats the timestamp, the same one, before each piece of a long line. */
function* terminalLine(line: Buffer): Generator<LogLine> {
  const { timestamp, text, stamp } = stamped(line);
  const again = Buffer.concat([stamp, Buffer.from(" ")]);
  const parts: Buffer[] = [];
  let rest = text;
  while (
    rest.length >= PIECE_BYTES + again.length &&
    rest.subarray(PIECE_BYTES, PIECE_BYTES + again.length).equals(again)
  ) {
    parts.push(rest.subarray(0, PIECE_BYTES));
    rest = rest.subarray(PIECE_BYTES + again.length);
  }
  parts.push(rest.at(-1) === 0x0d ? rest.subarray(0, -1) : rest);
  const perLine = MAX_LINE_BYTES / PIECE_BYTES;
  for (let i = 0; i < parts.length; i += perLine) {
    const some = parts.slice(i, i + perLine);
    yield { timestamp, message: Buffer.concat(some).toString(), pieces: some.length };
  }
}

/** Takes "2026-01-01T00:00:00.123456789Z text" apart. */
function stamped(payload: Buffer): { readonly timestamp: number; readonly stamp: Buffer; readonly text: Buffer } {
  const space = payload.indexOf(SPACE);
  const stamp = payload.subarray(0, Math.max(0, space));
  const timestamp = Date.parse(stamp.toString("latin1"));
  if (Number.isNaN(timestamp)) throw new RuntimeError("failed", "a line of the container's log has no timestamp");
  return { timestamp, stamp, text: payload.subarray(space + 1) };
}
