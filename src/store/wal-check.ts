import { existsSync, readFileSync } from "node:fs";
import { endianness } from "node:os";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC = 0x377f0682;

/**
 * Looks for damage in a SQLite write-ahead log that SQLite itself passes over: it takes the first frame with a wrong
 * checksum for the end of the log, and so drops every transaction from there on, durable or not.
 *
 * A crash leaves at most the last transaction incomplete, because each one is synced before the next is written. So if
 * a transaction with a wrong frame is followed by another transaction, what was durable has been damaged.
 * Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 * @returns what is wrong, or undefined.
 */
export function findWalDamage(walFile: string): string | undefined {
  if (!existsSync(walFile)) return undefined;
  const bytes = readFileSync(walFile);
  if (bytes.length < HEADER_BYTES) return undefined; // a crash while it was made: nothing was in it yet
  const bigEndian = (bytes.readUInt32BE(0) & 1) === 1;
  const seed = checksum(bytes.subarray(0, 24), bigEndian, { a: 0, b: 0 });
  if ((bytes.readUInt32BE(0) & ~1) >>> 0 !== MAGIC || !isStored(seed, bytes, 24))
    return "the header of the write-ahead log is damaged";
  const frameBytes = FRAME_HEADER_BYTES + bytes.readUInt32BE(8);
  let expected = seed;
  /** Whether a wrong frame has been seen, and whether its transaction has ended since. */
  let wrongAt = -1;
  let ended = false;
  for (let at = HEADER_BYTES; at + frameBytes <= bytes.length; at += frameBytes) {
    const frame = bytes.subarray(at, at + frameBytes);
    const ofThisLog =
      frame.readUInt32BE(8) === bytes.readUInt32BE(16) && frame.readUInt32BE(12) === bytes.readUInt32BE(20);
    const sum = checksum(
      frame.subarray(FRAME_HEADER_BYTES),
      bigEndian,
      checksum(frame.subarray(0, 8), bigEndian, expected),
    );
    const right = ofThisLog && isStored(sum, frame, 16);
    if (wrongAt === -1 && !right) wrongAt = at;
    else if (wrongAt !== -1 && right && ended) return `the write-ahead log is damaged at byte ${wrongAt}`;
    if (wrongAt !== -1 && ofThisLog && frame.readUInt32BE(4) !== 0) ended = true;
    // The sums are chained over what is stored, so that the frames after a wrong one can still be judged.
    expected = { a: frame.readUInt32BE(16), b: frame.readUInt32BE(20) };
  }
  return undefined;
}

interface Sum {
  readonly a: number;
  readonly b: number;
}

function isStored(sum: Sum, bytes: Buffer, at: number): boolean {
  return bytes.readUInt32BE(at) === sum.a && bytes.readUInt32BE(at + 4) === sum.b;
}

/** SQLite's checksum: two sums over pairs of 32-bit words, each added to the other. */
function checksum(bytes: Buffer, bigEndian: boolean, seed: Sum): Sum {
  const copy = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  const words = new Uint32Array(copy.buffer, copy.byteOffset, copy.length >> 2);
  const swap = bigEndian !== (endianness() === "BE");
  let a = seed.a;
  let b = seed.b;
  for (let i = 0; i < words.length; i += 2) {
    a = (a + (swap ? swapped(words[i] as number) : (words[i] as number)) + b) | 0;
    b = (b + (swap ? swapped(words[i + 1] as number) : (words[i + 1] as number)) + a) | 0;
  }
  return { a: a >>> 0, b: b >>> 0 };
}

function swapped(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
