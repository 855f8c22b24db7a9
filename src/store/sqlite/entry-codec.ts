/** A record as it is stored: JSON text, or null where it was removed. */
export interface StoredWrite {
  readonly table: string;
  readonly key: string;
  readonly json: string | null;
}

/** What one journal entry holds: the transactions of a burst, in order. */
export interface StoredEntry {
  /** The revision of its last transaction. */
  readonly revision: number;
  /** The schema version from here on, if the entry changes it. */
  readonly schemaVersion?: number;
  readonly writes: readonly StoredWrite[];
}

interface Header {
  readonly revision: number;
  readonly schemaVersion?: number;
  /** Table, key and length in UTF-16 units of each record's text; -1 for a removed one. */
  readonly writes: readonly (readonly [string, string, number])[];
}

/** One line of JSON that says what follows, then the records' JSON texts without anything between them. */
export function encodeEntry({ revision, schemaVersion, writes }: StoredEntry): Uint8Array<ArrayBuffer> {
  const header: Header = {
    revision,
    schemaVersion,
    writes: writes.map(({ table, key, json }) => [table, key, json?.length ?? -1]),
  };
  const texts = [JSON.stringify(header), "\n"];
  for (const { json } of writes) if (json !== null) texts.push(json);
  return new TextEncoder().encode(texts.join(""));
}

/** The inverse of encodeEntry. Throws an Error if the bytes are not an entry. */
export function decodeEntry(bytes: Uint8Array): StoredEntry {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const line = text.indexOf("\n");
  const header = JSON.parse(text.slice(0, line)) as Header;
  let at = line + 1;
  const writes = header.writes.map(([table, key, length]): StoredWrite => {
    if (length === -1) return { table, key, json: null };
    at += length;
    return { table, key, json: text.slice(at - length, at) };
  });
  if (at !== text.length) throw new Error("an entry's length does not agree with its header");
  return { revision: header.revision, schemaVersion: header.schemaVersion, writes };
}
