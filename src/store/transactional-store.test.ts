import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../runtime/log.ts";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { ConflictError, StoreClosedError, StoreFailedError } from "./errors.ts";
import type { JournalEntry } from "./journal.ts";
import { type Fate, MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { openStore } from "./open.ts";
import type { Change, Transaction } from "./store.ts";
import { table } from "./table.ts";
import { MAX_ATTEMPTS } from "./transactional-store.ts";

interface Item {
  readonly id: string;
  readonly kind: string;
  readonly count: number;
}

const SCHEMA = { items: table<Item>()({ key: (i) => i.id, indexes: { kind: (i) => i.kind } }) } as const;
type Tx = Transaction<typeof SCHEMA>;

const item = (id: string, count = 0, kind = "plain"): Item => ({ id, kind, count });

/** Adds one to an item's count, and returns the new count. */
const increment = (id: string) => (tx: Tx) => tx.items.put(item(id, (tx.items.get(id)?.count ?? 0) + 1)).count;

async function setup(
  options: { fate?: (entry: JournalEntry) => Fate; disk?: MemoryDisk; log?: Log; clock?: ManualClock } = {},
) {
  const clock = options.clock ?? new ManualClock();
  const disk = options.disk ?? new MemoryDisk();
  const journal = new MemoryJournal({ disk, clock, fate: options.fate });
  const store = await openStore({ schema: SCHEMA, journal, log: options.log ?? silentLog() });
  const changes: Change<typeof SCHEMA>[] = [];
  store.watch((change) => changes.push(change));
  return { store, clock, disk, changes };
}

test("a transaction is seen by the next one at once, and by views and watchers when it is durable", async () => {
  const { store, clock, changes } = await setup();
  const first = store.transact("first", increment("a"));
  const second = store.transact("second", increment("a"));
  assert.equal(store.view.items.size, 0);
  assert.deepEqual(changes, []);
  await clock.step();
  assert.equal(store.view.items.get("a")?.count, 1);
  assert.equal(await first, 1);
  await clock.step();
  assert.equal(await second, 2);
  assert.equal(store.view.items.get("a")?.count, 2);
  assert.deepEqual(changes, [
    { revision: 1, puts: [{ table: "items", key: "a", before: undefined, after: item("a", 1) }], deletes: [] },
    { revision: 2, puts: [{ table: "items", key: "a", before: item("a", 1), after: item("a", 2) }], deletes: [] },
  ]);
  store.verify();
});

test("a callback that throws leaves nothing changed, and its error is told when what it read is durable", async () => {
  const { store, clock, changes } = await setup();
  await clock.until(store.transact("a", increment("a")));
  const pending = store.transact("b", increment("b"));
  let told = false;
  const thrown = store.transact("thrower", (tx) => {
    tx.items.put(item("a", 100, "odd"));
    tx.items.delete("b");
    tx.items.put(item("c"));
    throw new Error("no");
  });
  thrown.catch(() => {
    told = true;
  });
  await Promise.resolve();
  assert.equal(told, false);
  await clock.until(pending);
  await assert.rejects(thrown, /^Error: no$/);
  assert.equal(changes.length, 2);
  assert.deepEqual([...store.view.items.all()], [item("a", 1), item("b", 1)]);
  assert.deepEqual(store.view.items.where("kind", "odd"), []);
  store.verify();
});

test("a transaction reads its own writes, in indexes too, and its view is of that moment", async () => {
  const { store, clock } = await setup();
  const seen = store.transact("own", (tx) => {
    for (const id of ["c", "a", "b"]) tx.items.put(item(id, 1, "x"));
    tx.items.put(item("b", 2, "y"));
    tx.items.delete("c");
    for (const each of tx.items.all()) tx.items.put({ ...each, id: `${each.id}${each.id}` });
    return { x: tx.items.where("kind", "x").map((i) => i.id), y: tx.items.count("kind", "y"), size: tx.items.size };
  });
  assert.deepEqual(await clock.until(seen), { x: ["a", "aa"], y: 2, size: 4 });
});

test("what is written and taken back within a transaction is no change, and a record that is gone is a deletion", async () => {
  const { store, clock, changes } = await setup();
  await clock.until(store.transact("a", increment("a")));
  const nothing = store.transact("nothing", (tx) => {
    tx.items.put(item("b"));
    tx.items.delete("b");
    const a = tx.items.get("a") as Item;
    tx.items.delete("a");
    tx.items.put(a);
  });
  await nothing; // without a step of the clock: there was nothing to make durable
  await clock.until(store.transact("delete", (tx) => tx.items.delete("a")));
  assert.deepEqual(changes.slice(1), [
    { revision: 2, puts: [], deletes: [{ table: "items", key: "a", before: item("a", 1), after: undefined }] },
  ]);
});

test("a promise, a transaction within another, an unknown index and a draft kept for later are refused", async () => {
  const { store, clock } = await setup();
  const asynchronous = (async (tx: Tx) => {
    tx.items.put(item("a"));
  }) as unknown as (tx: Tx) => void;
  await assert.rejects(store.transact("async", asynchronous), /async returned a promise: it must be synchronous/);
  let inner: Promise<unknown> | undefined;
  const outer = store.transact("outer", (tx) => {
    inner = store.transact("inner", () => 1);
    inner.catch(() => {});
    return tx.items.size;
  });
  assert.equal(await clock.until(outer), 0);
  await assert.rejects(inner as Promise<unknown>, /inner was begun within another one/);
  await assert.rejects(
    store.transact("index", (tx) => tx.items.where("colour" as "kind", "x")),
    /table items has no index colour/,
  );
  let kept: Tx | undefined;
  await store.transact("keep", (tx) => {
    kept = tx;
  });
  assert.throws(() => kept?.items.get("a"), /used after its callback had returned/);
  assert.equal(store.view.items.size, 0);
});

test("records are frozen deeply, and what is not plain JSON data is refused with its place", async () => {
  const { store } = await setup();
  const bad = { ...item("a"), extra: { list: [1, new Date(0)] } };
  await assert.rejects(
    store.transact("bad", (tx) => tx.items.put(bad)),
    /plain JSON data, but items\.extra\.list\.1 is an instance of Date/,
  );
  const record = { ...item("a"), extra: { list: [{}] } };
  store.transact("good", (tx) => tx.items.put(record)).catch(() => {});
  assert.throws(() => {
    (record.extra.list[0] as { x?: number }).x = 1;
  }, TypeError);
});

test("a rehearsal sees the newest state and its own writes, and leaves nothing of them", async () => {
  const { store, clock, changes } = await setup();
  const first = store.transact("first", increment("a"));
  const seen = await store.rehearse((tx) => {
    increment("a")(tx);
    tx.items.delete("b");
    tx.items.put(item("c", 1, "other"));
    return { a: tx.items.get("a")?.count, kinds: tx.items.count("kind", "other") };
  });
  assert.deepEqual(seen, { a: 2, kinds: 1 });
  let kept: { get(key: string): unknown } | undefined;
  const refused = store.rehearse((tx) => {
    kept = tx.items;
    tx.items.put(item("a", 9));
    throw new Error("no");
  });
  await assert.rejects(refused, /^Error: no$/);
  assert.throws(() => kept?.get("a"), /used after its callback had ended/);
  await clock.step();
  assert.equal(await first, 1);
  assert.deepEqual([...store.view.items.all()], [item("a", 1)]);
  assert.equal(changes.length, 1);
  store.verify();
});

test("a rehearsal may take its time: it sees nothing of what is committed meanwhile, and the next one begins after it", async () => {
  const { store, clock } = await setup();
  const both = store.transact("first", (tx) => {
    tx.items.put(item("a", 1));
    tx.items.put(item("b", 1, "other"));
  });
  await clock.step();
  await both;
  const order: string[] = [];
  let goOn!: () => void;
  const pause = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let tellBegun!: () => void;
  const begun = new Promise<void>((resolve) => {
    tellBegun = resolve;
  });
  const one = store.rehearse(async (tx) => {
    increment("a")(tx);
    order.push("begun");
    tellBegun();
    await pause;
    order.push("over");
    const kinds = [tx.items.count("kind", "plain"), tx.items.count("kind", "other"), tx.items.size];
    return { a: tx.items.get("a")?.count, b: tx.items.get("b")?.count, c: tx.items.get("c"), kinds };
  });
  const two = store.rehearse((tx) => {
    order.push("next");
    return tx.items.get("a")?.count;
  });
  await begun;
  const meanwhile = store.transact("meanwhile", (tx) => {
    tx.items.put(item("a", 10));
    tx.items.put(item("c", 10));
    tx.items.delete("b");
  });
  await clock.step();
  await meanwhile;
  goOn();
  assert.deepEqual(await one, { a: 2, b: 1, c: undefined, kinds: [1, 1, 2] });
  assert.equal(await two, 10);
  assert.deepEqual(order, ["begun", "over", "next"]);
  assert.deepEqual(
    [...store.view.items.all()].map(({ id, count }) => [id, count]),
    [
      ["a", 10],
      ["c", 10],
    ],
  );
  store.verify();
});

test("a watcher that throws hurts nobody, and is told to the operator", async () => {
  const errors: string[] = [];
  const log: Log = { ...silentLog(), error: (_, message) => errors.push(message) };
  const { store, clock, changes } = await setup({ log });
  store.watch(() => {
    throw new Error("bad watcher");
  });
  const later: number[] = [];
  const unwatch = store.watch(({ revision }) => later.push(revision));
  await clock.until(store.transact("a", increment("a")));
  unwatch();
  await clock.until(store.transact("a", increment("a")));
  assert.deepEqual([later, changes.length, errors.length], [[1], 2, 2]);
});

test("a watcher may begin a transaction, and sees the view at the change's revision", async () => {
  const { store, clock } = await setup();
  const seen: unknown[] = [];
  store.watch(({ revision }) => {
    seen.push([revision, store.revision, store.view.items.get("a")?.count]);
    if (revision === 1) store.transact("again", increment("a")).catch(assert.fail);
  });
  await Promise.all([store.transact("1", increment("a")), store.transact("2", increment("a")), clock.run()]);
  assert.deepEqual(seen, [
    [1, 1, 1],
    [2, 2, 2],
    [3, 3, 3],
  ]);
  store.verify();
});

test("after a conflict the transaction and those stacked on it run again, in order", async () => {
  const refuse = new Set(["first"]);
  const runs: string[] = [];
  const { store, clock, changes } = await setup({
    fate: ({ name }) => (refuse.delete(name) ? { kind: "conflict" } : { kind: "commit" }),
  });
  const run = (name: string) =>
    store.transact(name, (tx) => {
      runs.push(name);
      return increment("a")(tx);
    });
  const answers = Promise.all([
    run("first"),
    run("second"),
    store.transact("reader", (tx) => tx.items.get("a")?.count),
  ]);
  assert.deepEqual(await clock.until(answers), [1, 2, 2]);
  assert.deepEqual(runs, ["first", "second", "first", "second"]);
  assert.deepEqual(
    changes.map((c) => c.puts[0]?.after.count),
    [1, 2],
  );
  store.verify();
});

test("a transaction is given up after MAX_ATTEMPTS conflicts, and those behind it go on without it", async () => {
  let refused = 0;
  const { store, clock } = await setup({
    fate: ({ name }) => {
      if (name !== "unlucky") return { kind: "commit" };
      refused++;
      return { kind: "conflict" };
    },
  });
  const unlucky = store.transact("unlucky", increment("a"));
  const lucky = store.transact("lucky", increment("a"));
  unlucky.catch(() => {});
  assert.equal(await clock.until(lucky), 1);
  await assert.rejects(unlucky, (error) => error instanceof ConflictError && error.attempts === MAX_ATTEMPTS);
  assert.equal(refused, MAX_ATTEMPTS);
  store.verify();
});

test("a change by another store is seen by views and watchers, and makes a transaction that read it run again", async () => {
  const clock = new ManualClock();
  const disk = new MemoryDisk();
  const a = await setup({ disk, clock });
  const b = await setup({ disk, clock });
  const counts = await clock.until(
    Promise.all([a.store.transact("a", increment("x")), b.store.transact("b", increment("x"))]),
  );
  await clock.run();
  assert.deepEqual(counts.toSorted(), [1, 2]);
  for (const { store, changes } of [a, b]) {
    assert.equal(store.view.items.get("x")?.count, 2);
    assert.deepEqual(
      changes.map((c) => [c.revision, c.puts[0]?.after.count]),
      [
        [1, 1],
        [2, 2],
      ],
    );
    store.verify();
  }
});

test("when the journal fails, what waits and what comes is refused by name and views stay at what is durable", async () => {
  for (const durable of [false, true]) {
    const error = new Error("the disk is full");
    const { store, clock, disk } = await setup({
      fate: ({ name }) => (name === "bad" ? { kind: "fail", durable, error } : { kind: "commit" }),
    });
    await clock.until(store.transact("good", increment("a")));
    const waiting = [store.transact("bad", increment("a")), store.transact("behind", (tx) => tx.items.size)];
    const outcomes = clock.until(Promise.allSettled(waiting));
    for (const outcome of await outcomes) {
      assert.equal(outcome.status, "rejected");
      assert.ok(outcome.reason instanceof StoreFailedError && outcome.reason.cause === error);
    }
    assert.match((await store.failed).message, /the store has failed and takes no more changes: the disk is full/);
    await assert.rejects(store.transact("late", increment("a")), StoreFailedError);
    assert.equal(store.view.items.get("a")?.count, 1);
    store.verify();
    await store.close();
    const again = await setup({ disk });
    assert.equal(again.store.view.items.get("a")?.count, durable ? 2 : 1);
  }
});

test("closing waits for what is pending, through conflicts, and refuses what comes after", async () => {
  let conflicts = 3;
  const { store, clock, disk } = await setup({ fate: () => ({ kind: conflicts-- > 0 ? "conflict" : "commit" }) });
  const last = store.transact("last", increment("a"));
  const closing = store.close();
  await assert.rejects(store.transact("late", increment("a")), StoreClosedError);
  await clock.until(closing);
  assert.equal(await last, 1);
  assert.equal(disk.revision, 1);
});
