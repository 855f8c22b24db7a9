import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { seededRandom } from "../runtime/random.ts";
import { Runner } from "./draft.ts";
import { ConflictError } from "./errors.ts";
import type { Journal } from "./journal.ts";
import { Layer } from "./layer.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { openStore } from "./open.ts";
import { readOnly } from "./read-only.ts";
import { sqliteJournal } from "./sqlite/sqlite-journal.ts";
import type { Change, Store, Transaction } from "./store.ts";
import { type Derived, table } from "./table.ts";
import { Tables } from "./tables.ts";

interface Thing {
  readonly id: string;
  readonly kinds: readonly string[];
  readonly value: number;
}

const indexes = {
  kind: (t: Thing) => t.kinds,
  parity: (t: Thing) => (t.value === 0 ? undefined : t.value % 2 === 0 ? "even" : "odd"),
};
/** The sum of all things' values, of both tables. */
const SUM: Derived<{ sum: number }> = {
  make: () => ({ sum: 0 }),
  snapshot: ({ sum }) => sum,
  copy: (value) => ({ ...value }),
};
const feed = {
  into: SUM,
  change: (of: { sum: number }, before: Thing | undefined, after: Thing | undefined) => {
    of.sum += (after?.value ?? 0) - (before?.value ?? 0);
  },
};
const SCHEMA = {
  red: table<Thing>()({ key: (t) => t.id, indexes, derived: { total: feed } }),
  blue: table<Thing>()({ key: (t) => t.id, indexes, derived: { total: feed } }),
} as const;
type Tx = Transaction<typeof SCHEMA>;
type TableName = keyof typeof SCHEMA;
/** The oracle: records by `table/key`. */
type Model = Map<string, Thing>;

interface Operation {
  readonly table: TableName;
  readonly id: string;
  readonly kind: "put" | "delete" | "copy" | "total";
  readonly value: number;
  readonly kinds: readonly string[];
}

// Few keys and values on purpose: that transactions meet must be common.
const genOperation: fc.Arbitrary<Operation> = fc.record({
  table: fc.constantFrom("red", "blue"),
  id: fc.constantFrom("a", "b", "c"),
  kind: fc.constantFrom("put", "put", "delete", "copy", "total"),
  value: fc.integer({ min: 0, max: 3 }),
  kinds: fc.array(fc.constantFrom("x", "y"), { maxLength: 3 }),
});
const genTransaction = fc.record({
  kind: fc.constant("transaction" as const),
  operations: fc.array(genOperation, { maxLength: 5 }),
  throws: fc.boolean().map((yes) => yes),
});
const genStep = fc.oneof(
  { weight: 6, arbitrary: genTransaction },
  { weight: 1, arbitrary: fc.constant({ kind: "settle" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "reopen" as const }) },
);

/** What an operation does, said twice: for the store, and for the plain Map. */
function inStore(tx: Tx, { table: name, id, kind, value, kinds }: Operation): void {
  if (kind === "put") tx[name].put({ id, kinds, value });
  else if (kind === "delete") tx[name].delete(id);
  else if (kind === "total") tx[name].put({ id, kinds, value: tx[name].derived.total.sum % 4 });
  else {
    const odd = tx[name].where("parity", "odd");
    tx[name].put({ id, kinds: odd.flatMap((t) => t.kinds), value: odd.reduce((sum, t) => sum + t.value, value) });
  }
}

function inModel(model: Model, { table: name, id, kind, value, kinds }: Operation): void {
  const at = `${name}/${id}`;
  if (kind === "put") model.set(at, { id, kinds, value });
  else if (kind === "delete") model.delete(at);
  else if (kind === "total")
    model.set(at, { id, kinds, value: [...model.values()].reduce((n, t) => n + t.value, 0) % 4 });
  else {
    const odd = ordered(model, name).filter((t) => t.value % 2 === 1);
    model.set(at, { id, kinds: odd.flatMap((t) => t.kinds), value: odd.reduce((sum, t) => sum + t.value, value) });
  }
}

function ordered(model: Model, name: TableName): Thing[] {
  const entries = [...model].filter(([at]) => at.startsWith(`${name}/`));
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, thing]) => thing);
}

function check(view: Tx | Store<typeof SCHEMA>["view"], model: Model): void {
  for (const name of ["red", "blue"] as const) {
    const things = ordered(model, name);
    assert.equal(view[name].size, things.length);
    assert.equal(
      view[name].derived.total.sum,
      [...model.values()].reduce((sum, t) => sum + t.value, 0),
    );
    assert.deepEqual(
      [...view[name].all()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      things,
    );
    for (const id of ["a", "b", "c"]) assert.deepEqual(view[name].get(id), model.get(`${name}/${id}`));
    for (const kind of ["x", "y"]) {
      const filed = things.filter((t) => t.kinds.includes(kind));
      assert.deepEqual(view[name].where("kind", kind), filed);
      assert.equal(view[name].count("kind", kind), filed.length);
      for (const id of [undefined, "a", "aa", "b"])
        assert.deepEqual(
          [...view[name].after("kind", kind, id)],
          filed.filter((t) => id === undefined || t.id > id),
        );
    }
    for (const parity of ["odd", "even"]) {
      const filed = things.filter((t) => t.value > 0 && (t.value % 2 === 1) === (parity === "odd"));
      assert.deepEqual(view[name].where("parity", parity), filed);
    }
  }
}

function follow(model: Model, { puts, deletes }: Change<typeof SCHEMA>): void {
  for (const { table: name, key, before, after } of puts) {
    assert.deepEqual(before, model.get(`${name}/${key}`));
    model.set(`${name}/${key}`, after);
  }
  for (const { table: name, key, before } of deletes) {
    assert.deepEqual(before, model.get(`${name}/${key}`));
    model.delete(`${name}/${key}`);
  }
}

class Thrown extends Error {}

/** Runs random steps on one store and on a plain Map, which must agree all along. */
async function agreesWithModel(
  steps: readonly (typeof genStep extends fc.Arbitrary<infer T> ? T : never)[],
  open: () => Journal,
) {
  const newest: Model = new Map();
  const followed: Model = new Map();
  let pending: Promise<unknown>[] = [];
  const start = async () => {
    const store = await openStore({ schema: SCHEMA, journal: open(), log: silentLog() });
    store.watch((change) => {
      follow(followed, change);
      check(store.view, followed);
    });
    return store;
  };
  let store = await start();
  const settle = async () => {
    await Promise.all(pending);
    pending = [];
    check(store.view, newest);
    assert.deepEqual(new Map([...followed].sort()), new Map([...newest].sort()));
    store.verify();
  };
  try {
    for (const step of steps) {
      if (step.kind === "transaction") {
        const done = store.transact("random", (tx) => {
          check(tx, newest);
          const own: Model = new Map(newest);
          for (const operation of step.operations) {
            inStore(tx, operation);
            inModel(own, operation);
            check(tx, own);
          }
          if (step.throws) throw new Thrown();
          newest.clear();
          for (const [at, thing] of own) newest.set(at, thing);
        });
        pending.push(step.throws ? assert.rejects(done, Thrown) : done);
        store.verify();
      } else {
        await settle();
        if (step.kind === "reopen") {
          await store.close();
          store = await start();
          check(store.view, newest);
        }
      }
    }
    await settle();
  } finally {
    await store.close(); // its thread would keep the process alive
  }
}

const clock = { ...systemClock(), after: (ms: number, fn: () => void) => awaitedTimer(ms, fn) };

function awaitedTimer(ms: number, fn: () => void) {
  const handle = setTimeout(fn, ms);
  return { cancel: () => clearTimeout(handle) };
}

test("random transactions, throws and reopenings on a memory journal agree with a plain Map", async () => {
  const property = fc.asyncProperty(fc.array(genStep, { maxLength: 12 }), async (steps) => {
    const disk = new MemoryDisk();
    await agreesWithModel(steps, () => new MemoryJournal({ disk, clock }));
  });
  await fc.assert(property, { numRuns: 60 });
});

test("random transactions, throws and reopenings on a SQLite journal agree with a plain Map", async () => {
  const root = await mkdtemp(join(tmpdir(), "berth-model-"));
  let files = 0;
  const property = fc.asyncProperty(fc.array(genStep, { maxLength: 14 }), async (steps) => {
    const path = join(root, `${files++}.db`);
    await agreesWithModel(steps, () => sqliteJournal({ path, clock, log: silentLog() }));
  });
  await fc.assert(property, { numRuns: 25 }).finally(() => rm(root, { recursive: true }));
});

test("two stores on one journal, with conflicts and delays, end as if each transaction had run alone", async () => {
  const seen = { acknowledged: 0, givenUp: 0, reruns: 0 };
  const genTransactions = fc.array(
    fc.record({
      by: fc.integer({ min: 0, max: 1 }),
      operations: fc.array(genOperation, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 20 },
  );
  const property = fc.asyncProperty(genTransactions, fc.nat(), async (transactions, seed) => {
    const random = seededRandom(seed);
    const manual = new ManualClock();
    const disk = new MemoryDisk();
    const schema = { ...SCHEMA, ledger: table<{ readonly id: string }>()({ key: (l) => l.id }) };
    const open = () =>
      openStore({
        schema,
        log: silentLog(),
        journal: new MemoryJournal({
          disk,
          clock: manual,
          delayMs: () => Math.floor(random.next() * 4),
          fate: () => ({ kind: random.next() < 0.2 ? "conflict" : "commit" }),
        }),
      });
    const stores = [await open(), await open()] as const;
    /** As each store saw them: which transactions were committed, in order. */
    const orders: string[][] = [[], []];
    stores.forEach((store, i) => {
      store.watch(({ puts }) => {
        for (const put of puts) if (put.table === "ledger") orders[i]?.push(put.key);
      });
    });
    const acknowledged: string[] = [];
    const all: Promise<void>[] = [];
    for (const [i, { by, operations }] of transactions.entries()) {
      let runs = 0;
      const done = stores[by as 0 | 1].transact(`t${i}`, (tx) => {
        if (runs++ > 0) seen.reruns++;
        for (const operation of operations) inStore(tx, operation);
        tx.ledger.put({ id: String(i) });
      });
      const told = done
        .then(() => acknowledged.push(String(i)))
        .catch((error) => {
          assert.ok(error instanceof ConflictError, error.stack);
          seen.givenUp++;
        });
      all.push(told.then(() => {}));
      if (random.next() < 0.4) await manual.step();
    }
    await manual.until(Promise.all(all));
    await manual.run();
    assert.deepEqual(orders[0], orders[1]);
    assert.deepEqual(orders[0]?.toSorted(), acknowledged.toSorted(), "acknowledged and committed are not the same");
    const model: Model = new Map();
    for (const i of orders[0] ?? [])
      for (const operation of transactions[Number(i)]?.operations ?? []) inModel(model, operation);
    for (const store of stores) {
      check(store.view, model);
      store.verify();
    }
    seen.acknowledged += acknowledged.length;
  });
  await fc.assert(property, { numRuns: 150 });
  assert.ok(seen.acknowledged > 100 && seen.reruns > 100, JSON.stringify(seen));
});

test("a layer has what there was when it was made, and what was changed in it, whatever is changed or taken back below", () => {
  const genLayerStep = fc.record({ isBelow: fc.boolean(), transaction: genTransaction });
  fc.assert(
    fc.property(
      fc.array(genTransaction, { maxLength: 4 }),
      fc.array(genLayerStep, { maxLength: 12 }),
      (first, then) => {
        const below = new Tables(SCHEMA);
        const runner = new Runner(below, false);
        const models = { below: new Map() as Model, layer: new Map() as Model };
        const runBelow = ({ operations, throws }: (typeof first)[number]) => {
          const { outcome } = runner.run("below", (tx) => {
            for (const operation of operations) inStore(tx, operation);
            if (throws) throw new Error("taken back");
          });
          if (!("error" in outcome)) for (const operation of operations) inModel(models.below, operation);
        };
        for (const one of first) runBelow(one);
        models.layer = new Map(models.below);
        const layer = new Layer(SCHEMA, below);
        const tx = layer.drafts as unknown as Tx;
        for (const { isBelow, transaction } of then) {
          if (isBelow) runBelow(transaction);
          else
            for (const operation of transaction.operations) {
              inStore(tx, operation);
              inModel(models.layer, operation);
            }
          check(tx, models.layer);
          check(readOnly(below) as unknown as Tx, models.below);
        }
        layer.close();
        for (const one of first) runBelow(one);
        below.verify();
        assert.throws(() => tx.red.size, /used after its callback had ended/);
      },
    ),
    { numRuns: 500 },
  );
});
