import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LogLine } from "../container-runtime.ts";
import { multiplexedLines, terminalLines } from "./log-stream.ts";

const AT = Date.parse("2026-01-02T03:04:05.678Z");
const STAMP = "2026-01-02T03:04:05.678901234Z ";
const PIECE = "x".repeat(16 * 1024);

/** A frame of Docker's logs API: stream 1 is output, 2 error. */
function frame(stream: number, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** The bytes in chunks that end wherever they like. */
async function* cut(bytes: Buffer, sizes: readonly number[] = []): AsyncGenerator<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function all(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
  const found: LogLine[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test("frames of output and error are lines in their order, wherever the chunks end", async () => {
  const bytes = Buffer.concat([frame(1, `${STAMP}one\n`), frame(2, `${STAMP}zwei ü 2\n`), frame(1, `${STAMP}\n`)]);
  const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(sizes, async (cuts) => {
      assert.deepEqual(
        await all(multiplexedLines(cut(bytes, cuts))),
        ["one", "zwei ü 2", ""].map((message) => ({ timestamp: AT, message, pieces: 1 })),
      );
    }),
    { numRuns: 50 },
  );
});

test("the pieces of a long line are put together, each stream's apart from the other's", async () => {
  const bytes = Buffer.concat([
    frame(1, STAMP + PIECE),
    frame(2, `${STAMP}between\n`),
    frame(1, `${STAMP}end\n`),
    frame(1, `${STAMP}open`),
  ]);
  assert.deepEqual(await all(multiplexedLines(cut(bytes))), [
    { timestamp: AT, message: "between", pieces: 1 },
    { timestamp: AT, message: `${PIECE}end`, pieces: 2 },
    { timestamp: AT, message: "open", pieces: 1 },
  ]);
});

test("a line beyond 256 KiB becomes several", async () => {
  const pieces = Array.from({ length: 20 }, () => frame(1, STAMP + PIECE));
  const lines = await all(multiplexedLines(cut(Buffer.concat([...pieces, frame(1, `${STAMP}\n`)]))));
  assert.deepEqual(
    lines.map((line) => line.message.length),
    [16 * PIECE.length, 4 * PIECE.length],
  );
  const terminal = Buffer.from(`${Array.from({ length: 20 }, () => STAMP + PIECE).join("")}\n`);
  assert.deepEqual(
    (await all(terminalLines(cut(terminal)))).map((line) => line.message.length),
    [16 * PIECE.length, 4 * PIECE.length],
  );
});

test("a terminal's lines come without frames; carriage returns and repeated timestamps are left out", async () => {
  const bytes = Buffer.from(`${STAMP}one\r\n${STAMP}${PIECE}${STAMP}rest\r\n${STAMP}open`);
  for (const sizes of [[], [5, 40, 16_384]])
    assert.deepEqual(await all(terminalLines(cut(bytes, sizes))), [
      { timestamp: AT, message: "one", pieces: 1 },
      { timestamp: AT, message: `${PIECE}rest`, pieces: 2 },
      { timestamp: AT, message: "open", pieces: 1 },
    ]);
});

test("what is no log stream, and a failure that the daemon writes into it, are errors", async () => {
  await assert.rejects(all(multiplexedLines(cut(Buffer.from("HTTP error page")))), /not framed/);
  await assert.rejects(all(multiplexedLines(cut(frame(1, "no timestamp\n")))), /no timestamp/);
  await assert.rejects(all(multiplexedLines(cut(frame(3, "error from daemon: disk full\n")))), /disk full/);
});
