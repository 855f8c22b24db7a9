import { StoreFileError } from "../errors.ts";

/** What to do about damage. */
export const RESTORE =
  "Check the disk. To put back a copy, remove the file and those whose names begin with its name, then copy all of the copy's" +
  " files";

// Primary result codes: https://www.sqlite.org/rescode.html
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Says in a StoreFileError what an error of SQLite or of the file system means. Others, and those that are one already, stay what they are. */
export function explainError(file: string, error: unknown, doing: string): Error {
  const known = meaningOf(error as { readonly errcode?: unknown; readonly code?: unknown });
  if (known === undefined) return error instanceof Error ? error : new Error(String(error));
  const text = `${known.problem} (${doing}: ${(error as Error).message})`;
  return new StoreFileError(file, text, known.remedy, { cause: error });
}

/** Whether another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && (code & 0xff) === BUSY;
}

/** What an error means to whoever runs the control plane, and what to do about it. */
export interface Meaning {
  readonly problem: string;
  readonly remedy: string;
}

const READ_ONLY: Meaning = {
  problem: "it cannot be written",
  remedy: "Make the file and its directory writable for this user",
};
const DISK_FAILED: Meaning = {
  problem: "the disk failed to read or write it",
  remedy: "Check the disk, its free space and the file size limit (ulimit -f), then start again",
};
const DISK_FULL: Meaning = { problem: "the disk is full", remedy: "Free some space, then start again" };
const NOT_OPENED: Meaning = {
  problem: "it cannot be opened",
  remedy: "Check that its directory exists and can be written by this user",
};
const TOO_MANY_FILES: Meaning = {
  problem: "too many files are open",
  remedy: "Raise the limit on open files (ulimit -n), then start again",
};
export const IN_USE: Meaning = {
  problem: "it is in use by another process",
  remedy: "Stop that process, or use another directory",
};

function meaningOf({ errcode, code }: { readonly errcode?: unknown; readonly code?: unknown }): Meaning | undefined {
  if (typeof errcode === "number") return meaningForSqlite(errcode & 0xff);
  return typeof code === "string" ? FILE_SYSTEM.get(code) : undefined;
}

const FILE_SYSTEM: ReadonlyMap<string, Meaning> = new Map([
  ["EACCES", READ_ONLY],
  ["EPERM", READ_ONLY],
  ["EROFS", READ_ONLY],
  ["EIO", DISK_FAILED],
  ["EFBIG", DISK_FAILED],
  ["ENOSPC", DISK_FULL],
  ["EDQUOT", DISK_FULL],
  ["ENOENT", NOT_OPENED],
  ["ENOTDIR", NOT_OPENED],
  ["EMFILE", TOO_MANY_FILES],
  ["ENFILE", TOO_MANY_FILES],
  ["EEXIST", IN_USE],
]);

function meaningForSqlite(code: number): Meaning {
  switch (code) {
    case BUSY:
      return IN_USE;
    case READONLY:
      return READ_ONLY;
    case IOERR:
      return DISK_FAILED;
    case CORRUPT:
    case NOTADB:
      return { problem: "it is damaged", remedy: RESTORE };
    case FULL:
      return DISK_FULL;
    case CANTOPEN:
      return NOT_OPENED;
    default:
      return { problem: "SQLite refused", remedy: RESTORE };
  }
}
