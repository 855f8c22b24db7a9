import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import type { Migration } from "./load.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { openStore } from "./open.ts";
import { type Schema, table } from "./table.ts";

interface Old {
  readonly id: string;
  readonly size: string;
}

interface New {
  readonly id: string;
  readonly bytes: number;
}

const OLD = { things: table<Old>()({ key: (t) => t.id }), gone: table<Old>()({ key: (t) => t.id }) } as const;
const NEW = { things: table<New>()({ key: (t) => t.id, indexes: { bytes: (t) => String(t.bytes) } }) } as const;

const MIGRATIONS: readonly Migration[] = [
  (tables) => {
    const things = tables.get("things");
    for (const [key, old] of things ?? []) things?.set(key, { id: key, bytes: Number((old as Old).size) });
  },
  (tables) => {
    tables.delete("gone");
  },
];

async function open<S extends Schema>(disk: MemoryDisk, schema: S, migrations: readonly Migration[]) {
  const clock = new ManualClock();
  const journal = new MemoryJournal({ disk, clock });
  const store = await clock.until(openStore({ schema, journal, log: silentLog(), migrations }));
  return { store, clock };
}

async function oldDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { store, clock } = await open(disk, OLD, []);
  const written = store.transact("write", (tx) => {
    for (const id of ["a", "b"]) tx.things.put({ id, size: "7" });
    tx.gone.put({ id: "a", size: "1" });
  });
  await clock.until(written);
  await clock.until(store.close());
  return disk;
}

test("migrations bring older records to the schema, once, and durably", async () => {
  const disk = await oldDisk();
  for (let opened = 0; opened < 2; opened++) {
    const { store, clock } = await open(disk, NEW, MIGRATIONS);
    assert.deepEqual(
      [...store.view.things.all()],
      [
        { id: "a", bytes: 7 },
        { id: "b", bytes: 7 },
      ],
    );
    assert.equal(store.view.things.count("bytes", "7"), 2);
    assert.deepEqual([disk.schemaVersion, disk.revision, store.revision], [2, 2, 2]);
    store.verify();
    await clock.until(store.close());
  }
});

test("a new store begins at the newest schema version", async () => {
  const disk = new MemoryDisk();
  const { store } = await open(disk, NEW, MIGRATIONS);
  assert.equal(disk.schemaVersion, 2);
  assert.equal(store.view.things.size, 0);
});

test("records of a newer release are refused, and nothing is changed", async () => {
  const disk = await oldDisk();
  const { store, clock } = await open(disk, NEW, MIGRATIONS);
  await clock.until(store.close());
  await assert.rejects(open(disk, NEW, MIGRATIONS.slice(0, 1)), {
    name: "StoreFileError",
    message: /^memory: it was written by a newer release \(schema version 2; this one knows 1\)\. Start that release/,
  });
  assert.deepEqual([disk.schemaVersion, disk.journals.size], [2, 0]);
});

test("a migration that fails, or that changes a record in place, is refused by name and changes nothing", async () => {
  const disk = await oldDisk();
  const inPlace: Migration = (tables) => {
    (tables.get("things")?.get("a") as { size?: string }).size = "8";
  };
  await assert.rejects(open(disk, OLD, [inPlace]), /cannot be brought from schema version 0 to 1: .*read only/);
  assert.deepEqual([disk.schemaVersion, disk.revision], [0, 1]);
});

test("records that the schema does not know are refused, not passed over", async () => {
  await assert.rejects(open(await oldDisk(), NEW, MIGRATIONS.slice(0, 1)), /it holds 1 records of a table gone/);
  const other = { ...OLD, things: table<Old>()({ key: (t) => `x${t.id}` }) };
  await assert.rejects(open(await oldDisk(), other, []), /the record a of table things has another key inside/);
});
