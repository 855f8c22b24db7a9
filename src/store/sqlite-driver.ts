import * as sqlite from "node:sqlite";
import { StoreFileError } from "./errors.ts";

/** The part of SQLite that the store uses. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
  readonly isTransaction: boolean;
}

export type SqlValue = string | number | null | Uint8Array;
export type Row = Record<string, unknown>;

export interface Statement {
  run(...values: SqlValue[]): unknown;
  get(...values: SqlValue[]): Row | undefined;
  iterate(...values: SqlValue[]): IterableIterator<Row>;
}

interface DatabaseClass {
  new (path: string, options: { readonly timeout: number; readonly enableForeignKeyConstraints: boolean }): Database;
}

/** Opens a file. It does not wait for a lock. */
export function openDatabase(path: string): Database {
  // The class has been renamed between releases of Node.js.
  const names = sqlite as unknown as { readonly DatabaseSync?: DatabaseClass; readonly Database?: DatabaseClass };
  const Class = names.DatabaseSync ?? names.Database;
  if (Class === undefined) throw new Error("this Node.js has no SQLite");
  return new Class(path, { timeout: 0, enableForeignKeyConstraints: false });
}

// Primary result codes: https://www.sqlite.org/rescode.html
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Says in a StoreFileError what an error of SQLite means. Other errors, and those that are one already, stay what they are. */
export function explainSqliteError(file: string, error: unknown, doing: string): Error {
  const code = (error as { errcode?: unknown }).errcode;
  if (typeof code !== "number") return error instanceof Error ? error : new Error(String(error));
  const { problem, remedy } = meaning(code & 0xff);
  const text = `${problem} (${doing}: ${(error as Error).message})`;
  return new StoreFileError(file, text, remedy, { cause: error });
}

/** Whether another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" && (code & 0xff) === BUSY;
}

function meaning(code: number): { readonly problem: string; readonly remedy: string } {
  switch (code) {
    case BUSY:
      return { problem: "it is in use by another process", remedy: "Stop that process, or use another directory" };
    case READONLY:
      return { problem: "it cannot be written", remedy: "Make the file and its directory writable for this user" };
    case IOERR:
      return {
        problem: "the disk failed to read or write it",
        remedy: "Check the disk, its free space and the file size limit (ulimit -f), then start again",
      };
    case CORRUPT:
    case NOTADB:
      return { problem: "it is damaged", remedy: RESTORE };
    case FULL:
      return { problem: "the disk is full", remedy: "Free some space, then start again" };
    case CANTOPEN:
      return {
        problem: "it cannot be opened",
        remedy: "Check that its directory exists and can be written by this user",
      };
    default:
      return { problem: "SQLite refused", remedy: RESTORE };
  }
}

/** What to do about damage. */
export const RESTORE = "Check the disk, and put back a copy of the file and of those whose names begin with its name";
