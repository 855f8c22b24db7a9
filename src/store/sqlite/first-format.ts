import { crc32 } from "node:zlib";
import { StoreFileError } from "../errors.ts";
import type { Database } from "./driver.ts";
import { decodeEntry, type StoredEntry } from "./entry-codec.ts";
import { RESTORE } from "./file-errors.ts";

/**
 * The first form of the file kept the log in a table `entries` of the database. A file of that form is taken over when it is opened.
 */

/**
 * The entries that are not folded, in order.
 * @throws StoreFileError if one is damaged or missing.
 */
export function* earlierEntries(
  database: Database,
  file: string,
  folded: number,
): Generator<{ readonly sequence: number; readonly entry: StoredEntry }> {
  let sequence = folded;
  for (const row of database.prepare("SELECT sequence, checksum, body FROM entries ORDER BY sequence").iterate()) {
    sequence++;
    const { body } = row;
    if (
      !(body instanceof Uint8Array) ||
      row.sequence !== sequence ||
      crc32(body, crc32(String(sequence))) !== row.checksum
    )
      throw new StoreFileError(file, `it is damaged: the entry ${sequence}`, RESTORE);
    yield { sequence, entry: decodeEntry(body) };
  }
}

/** Removes what only the first form has. */
export function removeEarlierEntries(database: Database): void {
  database.exec("DROP TABLE entries");
}
