import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { StoreFileError } from "../errors.ts";
import { RESTORE } from "./driver.ts";

/** One file of the log: entries one after the other, numbered without a gap. */
export interface Segment {
  readonly file: string;
  /** The number of its first entry. */
  readonly first: number;
}

/** An entry as it stands in a segment. */
export interface NumberedEntry {
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Bytes that no JSON text has, so that the start of an entry can be looked for. */
const MAGIC = Buffer.from([0xff, 0xb3, 0x7c, 0xfe]);
/** MAGIC, the body's length, the entry's number, and the checksum of these last two and the body. */
const HEADER_BYTES = 20;

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

/** An entry as it is written. */
export function encodeNumbered({ sequence, body }: NumberedEntry): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(body.length, 4);
  header.writeBigUInt64LE(BigInt(sequence), 8);
  header.writeUInt32LE(crc32(body, crc32(header.subarray(4, 16))), 16);
  return Buffer.concat([header, body]);
}

/**
 * The entries of a segment, up to the first that is not whole: a crash leaves at most the last one so, since each is
 * durable before the next is written.
 * @throws StoreFileError if a whole entry follows one that is not: then something durable has been damaged.
 */
export function* readSegment(store: string, { file, first }: Segment): Generator<NumberedEntry, void> {
  const bytes = readFileSync(file);
  let at = 0;
  for (let sequence = first; at < bytes.length; sequence++) {
    const entry = entryAt(bytes, at);
    if (entry?.sequence !== sequence) {
      if (hasEntryAfter(bytes, at, sequence))
        throw new StoreFileError(store, `it is damaged: the entry ${sequence}, at byte ${at} of ${file}`, RESTORE);
      return;
    }
    yield entry;
    at += HEADER_BYTES + entry.body.length;
  }
}

function entryAt(bytes: Buffer, at: number): NumberedEntry | undefined {
  if (at + HEADER_BYTES > bytes.length || MAGIC.compare(bytes, at, at + MAGIC.length) !== 0) return undefined;
  const end = at + HEADER_BYTES + bytes.readUInt32LE(at + 4);
  if (end > bytes.length) return undefined;
  const body = bytes.subarray(at + HEADER_BYTES, end);
  if (crc32(body, crc32(bytes.subarray(at + 4, at + 16))) !== bytes.readUInt32LE(at + 16)) return undefined;
  return { sequence: Number(bytes.readBigUInt64LE(at + 8)), body };
}

function hasEntryAfter(bytes: Buffer, after: number, sequence: number): boolean {
  for (let at = bytes.indexOf(MAGIC, after + 1); at !== -1; at = bytes.indexOf(MAGIC, at + 1)) {
    const entry = entryAt(bytes, at);
    if (entry !== undefined && entry.sequence > sequence) return true;
  }
  return false;
}
