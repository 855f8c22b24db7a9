import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

/** Fixed, so that writing it again replaces it in one call. */
const MARK_BYTES = 96;

/** What the mark says. */
export interface Mark {
  /** The process that writes, or wrote last. */
  readonly pid: number;
  /** The last entry that was acknowledged. */
  readonly sequence: number;
}

/**
 * A small file beside the database that says who writes it and which entry was acknowledged last. It is written after the
 * entry is durable and is never synced itself: it may lag behind, and never runs ahead. Should the files turn out
 * to hold less than the mark says, something acknowledged is gone: a log that lost its end looks like one that never had it.
 */
export class WriterMark {
  readonly #descriptor: number;
  readonly #pid: number;

  /** Opens the file, and makes it if it is missing. Writes nothing yet. */
  constructor(file: string, pid: number) {
    this.#pid = pid;
    this.#descriptor = openSync(file, openFlags(file), 0o600);
  }

  write(sequence: number): void {
    const text = `${JSON.stringify({ pid: this.#pid, sequence })} `;
    const line = `${text}${crc32(text).toString(16).padStart(8, "0")}`.padEnd(MARK_BYTES - 1);
    writeSync(this.#descriptor, `${line}\n`, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** What the file says; undefined if there is none, or if it is damaged (it is a safeguard, not a record). */
export function readMark(file: string): Mark | undefined {
  let line: string;
  try {
    line = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const end = line.indexOf("} ") + 2;
  const text = line.slice(0, end);
  if (end < 2 || Number.parseInt(line.slice(end, end + 8), 16) !== crc32(text)) return undefined;
  return JSON.parse(text) as Mark;
}

/** Where the mark of a store's file is. */
export function markFile(file: string): string {
  return `${file}-writer`;
}

function openFlags(file: string): string {
  try {
    closeSync(openSync(file, "r"));
    return "r+";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "w+";
    throw error;
  }
}
