import * as sqlite from "node:sqlite";

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
