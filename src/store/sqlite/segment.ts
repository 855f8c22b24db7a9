import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { StoreFileError } from "../errors.ts";
import { RESTORE } from "./file-errors.ts";

/** One file of the log: entries one after the other, numbered without a gap. */
export interface Segment {
  readonly file: string;
  /** The number of its first entry. */
  readonly first: number;
}

/** An entry as it stands in a segment. */
export interface NumberedEntry {
  readonly sequence: number;
  /** The checksum of the entry before, so that entries of another life of the store do not pass for those that follow. */
  readonly previous: number;
  readonly body: Uint8Array;
}

/** An entry that was read. */
export interface ReadEntry extends NumberedEntry {
  readonly checksum: number;
}

/** Bytes that no JSON text has, so that the start of an entry can be looked for. */
const MAGIC = Buffer.from([0xff, 0xb3, 0x7c, 0xfe]);
/** MAGIC, the body's length, the entry's number, `previous`, and the checksum of these three and the body. */
const HEADER_BYTES = 24;
const CHECKSUM_AT = 20;

/** The segment of a store's file that begins with that entry. */
export function segmentOf(file: string, first: number): Segment {
  return { file: `${file}-log-${first}`, first };
}

/** The segments that are there, in order. */
export function listSegments(file: string): readonly Segment[] {
  const prefix = `${basename(file)}-log-`;
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => ({ file: join(dirname(file), name), first: Number(name.slice(prefix.length)) }))
    .sort((a, b) => a.first - b.first);
}

/** An entry as it is written, and its checksum. */
export function encodeNumbered({ sequence, previous, body }: NumberedEntry): {
  readonly bytes: Uint8Array;
  readonly checksum: number;
} {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(body.length, 4);
  header.writeBigUInt64LE(BigInt(sequence), 8);
  header.writeUInt32LE(previous, 16);
  const checksum = crc32(body, crc32(header.subarray(MAGIC.length, CHECKSUM_AT)));
  header.writeUInt32LE(checksum, CHECKSUM_AT);
  return { bytes: Buffer.concat([header, body]), checksum };
}

/**
 * The entries of a segment, up to the first that is not whole: a crash leaves at most the last one so, since each is
 * durable before the next is written.
 * @throws StoreFileError if a whole entry follows one that is not (then something durable has been damaged), or if entries
 *   do not follow one another.
 */
export function* readSegment(store: string, { file, first }: Segment): Generator<ReadEntry, void> {
  const bytes = readWhole(store, file);
  let before: ReadEntry | undefined;
  let at = 0;
  for (let sequence = first; at < bytes.length; sequence++) {
    const entry = entryAt(bytes, at);
    if (entry === undefined && !hasEntryAfter(bytes, at, sequence)) return;
    if (entry?.sequence !== sequence || (before !== undefined && entry.previous !== before.checksum))
      throw new StoreFileError(store, `it is damaged: the entry ${sequence}, at byte ${at} of ${file}`, RESTORE);
    yield entry;
    before = entry;
    at += HEADER_BYTES + entry.body.length;
  }
}

function readWhole(store: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new StoreFileError(store, `it is damaged: ${file} is gone`, RESTORE, { cause: error });
  }
}

function entryAt(bytes: Buffer, at: number): ReadEntry | undefined {
  if (at + HEADER_BYTES > bytes.length || MAGIC.compare(bytes, at, at + MAGIC.length) !== 0) return undefined;
  const end = at + HEADER_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const body = bytes.subarray(at + HEADER_BYTES, end);
  const checksum = crc32(body, crc32(bytes.subarray(at + MAGIC.length, at + CHECKSUM_AT)));
  if (checksum !== bytes.readUInt32LE(at + CHECKSUM_AT)) return undefined;
  const sequence = Number(bytes.readBigUInt64LE(at + 8));
  return { sequence, previous: bytes.readUInt32LE(at + 16), body, checksum };
}

function hasEntryAfter(bytes: Buffer, after: number, sequence: number): boolean {
  for (let at = bytes.indexOf(MAGIC, after + 1); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    const entry = entryAt(bytes, at);
    if (entry !== undefined && entry.sequence > sequence) return true;
  }
  return false;
}
