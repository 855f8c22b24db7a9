import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { openStore } from "../open.ts";
import type { Store } from "../store.ts";
import { table } from "../table.ts";
import { listSegments } from "./segment.ts";
import { sqliteJournal } from "./sqlite-journal.ts";

interface Item {
  readonly id: string;
  readonly n: number;
  readonly pad: string;
}

const SCHEMA = { items: table<Item>()({ key: (item) => item.id }) } as const;
const PAD = "x".repeat(500);
const PER_TRANSACTION = 500;
const TRANSACTIONS = 600;

test("writes that outrun folding wait, so that the log stays short, and nothing is lost", async () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-outrun-"));
  const path = join(directory, "berth.db");
  const open = () =>
    openStore({
      schema: SCHEMA,
      journal: sqliteJournal({ path, clock: systemClock(), log: silentLog() }),
      log: silentLog(),
    });
  let store = await open();
  try {
    let most = 0;
    let n = 0;
    const writer = async () => {
      while (n < TRANSACTIONS) {
        const next = n++;
        await store.transact("put", (tx) => {
          for (let i = 0; i < PER_TRANSACTION; i++)
            tx.items.put({ id: `item-${(i * 7919 + next) % 20_011}`, n: next, pad: PAD });
        });
        most = Math.max(most, listSegments(path).length);
      }
    };
    await Promise.all(Array.from({ length: 16 }, writer));
    assert.ok(most >= 2 && most <= 6, `${most} files of the log`);
    const expected = byId(store);
    await store.close();
    store = await open();
    assert.deepEqual(byId(store), expected);
  } finally {
    await store.close(); // its threads would keep the process alive
    rmSync(directory, { recursive: true });
  }
});

function byId(store: Store<typeof SCHEMA>): readonly Item[] {
  return [...store.view.items.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
