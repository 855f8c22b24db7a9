import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { explainError } from "./file-errors.ts";
import { encodeNumbered, type Segment, segmentOf } from "./segment.ts";
import { markFile, WriterMark } from "./writer-mark.ts";

/** A segment is full with this much: what a start has to read again at most, about, and what is folded at once. */
const SEGMENT_BYTES = 16 << 20;

/** The last entry that is there. */
export interface LogEnd {
  /** 0 if there never was one. */
  readonly last: number;
  readonly checksum: number;
}

interface OpenSegment {
  readonly segment: Segment;
  readonly descriptor: number;
  bytes: number;
}

/**
 * The writing end of the log: entries go to the end of a file, and that is all that whoever waits for durability waits for. Each
 * opening begins a segment of its own, so that nothing is ever written after what a crash left incomplete.
 */
export class EntryLog {
  readonly #file: string;
  readonly #segmentBytes: number;
  readonly #mark: WriterMark;
  #end: LogEnd;
  #open: OpenSegment | undefined;

  /** Writes nothing yet. */
  constructor(file: string, end: LogEnd, segmentBytes: number = SEGMENT_BYTES) {
    this.#file = file;
    this.#segmentBytes = segmentBytes;
    this.#end = end;
    this.#mark = new WriterMark(markFile(file), process.pid);
  }

  /**
   * Returns when the entry is durable; with the segment before, if the entry began a new one because that was full.
   * @throws StoreFileError if the disk refuses.
   */
  append(body: Uint8Array): Segment | undefined {
    const sequence = this.#end.last + 1;
    try {
      const full = this.#begin(sequence);
      const open = this.#open as OpenSegment;
      const { bytes, checksum } = encodeNumbered({ sequence, previous: this.#end.checksum, body });
      open.bytes += writeWhole(open.descriptor, bytes, open.bytes);
      fdatasyncSync(open.descriptor);
      this.#end = { last: sequence, checksum };
      this.#mark.write(sequence);
      return full;
    } catch (error) {
      throw explainError(this.#file, error, "writing to its log");
    }
  }

  close(): void {
    this.#closeSegment();
    this.#mark.close();
  }

  /** Sees to it that a segment is open, one with room if that can be had. Answers the one that it closed for that. */
  #begin(sequence: number): Segment | undefined {
    const before = this.#open;
    if (before !== undefined && before.bytes < this.#segmentBytes) return undefined;
    try {
      const next = openSegment(segmentOf(this.#file, sequence));
      this.#closeSegment();
      this.#open = next;
      return before?.segment;
    } catch (error) {
      // A process with all its files open goes on in the one that it has.
      if (before === undefined || !["EMFILE", "ENFILE"].includes((error as NodeJS.ErrnoException).code ?? ""))
        throw error;
      return undefined;
    }
  }

  #closeSegment(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) closeSync(open.descriptor);
  }
}

function openSegment(segment: Segment): OpenSegment {
  const descriptor = durably(segment.file, () => openSync(segment.file, "wx", 0o600));
  return { segment, descriptor, bytes: 0 };
}

/** Makes or removes files beside this one, and returns when that is durable. */
export function durably<T>(file: string, change: () => T): T {
  const directory = openSync(dirname(file), "r");
  try {
    const changed = change();
    fsyncSync(directory);
    return changed;
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
