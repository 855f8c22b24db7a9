import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { explainError } from "./driver.ts";
import { encodeNumbered, type Segment, segmentOf } from "./segment.ts";
import { markFile, WriterMark } from "./writer-mark.ts";

/** A segment is full with this much: what a start has to read again at most, about, and what is folded at once. */
const SEGMENT_BYTES = 16 << 20;

/**
 * The writing end of the log: entries go to the end of a file, and that is all that whoever waits for durability waits for. Each
 * opening begins a segment of its own, so that nothing is ever written after what a crash left incomplete.
 */
export class EntryLog {
  readonly #file: string;
  readonly #segmentBytes: number;
  readonly #mark: WriterMark;
  #last: number;
  #open: { readonly segment: Segment; readonly descriptor: number; bytes: number } | undefined;

  /** Writes nothing yet. `last` is the number of the last entry that is there. */
  constructor(file: string, last: number, segmentBytes: number = SEGMENT_BYTES) {
    this.#file = file;
    this.#segmentBytes = segmentBytes;
    this.#last = last;
    this.#mark = new WriterMark(markFile(file), process.pid);
  }

  /**
   * Returns when the entry is durable; with the segment, if it is full now and nothing will be added to it.
   * @throws StoreFileError if the disk refuses.
   */
  append(body: Uint8Array): Segment | undefined {
    const sequence = this.#last + 1;
    try {
      this.#open ??= openSegment(segmentOf(this.#file, sequence));
      const open = this.#open;
      open.bytes += writeWhole(open.descriptor, encodeNumbered({ sequence, body }), open.bytes);
      fdatasyncSync(open.descriptor);
      this.#last = sequence;
      this.#mark.write(sequence);
      if (open.bytes < this.#segmentBytes) return undefined;
      this.#closeSegment();
      return open.segment;
    } catch (error) {
      throw explainError(this.#file, error, "writing to its log");
    }
  }

  close(): void {
    this.#closeSegment();
    this.#mark.close();
  }

  #closeSegment(): void {
    if (this.#open !== undefined) closeSync(this.#open.descriptor);
    this.#open = undefined;
  }
}

function openSegment(segment: Segment) {
  const descriptor = openSync(segment.file, "wx", 0o600);
  syncDirectory(segment.file);
  return { segment, descriptor, bytes: 0 };
}

/** Makes durable that files were made or removed beside this one. */
export function syncDirectory(file: string): void {
  const directory = openSync(dirname(file), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Answers how many bytes these are. */
function writeWhole(descriptor: number, bytes: Uint8Array, position: number): number {
  for (let done = 0; done < bytes.length; )
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  return bytes.length;
}
