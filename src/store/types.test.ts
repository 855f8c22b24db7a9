import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "./store.ts";
import { table } from "./table.ts";

interface Animal {
  readonly name: string;
  readonly kind: string;
  readonly foods: readonly string[];
}

const schema = {
  animals: table<Animal>()({
    key: (a) => a.name,
    indexes: { kind: (a) => a.kind, food: (a) => a.foods },
    derived: {
      meals: {
        into: { make: () => ({ meals: 0 }), snapshot: ({ meals }) => meals, copy: (value) => ({ ...value }) },
        change: (count: { meals: number }, before, after) => {
          count.meals += (after?.foods.length ?? 0) - (before?.foods.length ?? 0);
        },
      },
    },
  }),
  plain: table<{ readonly id: string }>()({ key: (p) => p.id }),
} as const;

test("the types refuse a promise, an unknown index and a record of another table", () => {
  const uses = (store: Store<typeof schema>) => {
    const done: Promise<number> = store.transact("count", (tx) => tx.animals.count("kind", "cat"));
    const nothing: Promise<void> = store.transact("put", (tx) => {
      tx.animals.put({ name: "Tom", kind: "cat", foods: [] });
    });
    // @ts-expect-error a callback must not be asynchronous
    const late = store.transact("late", async (tx) => tx.animals.size);
    // @ts-expect-error there is no such index
    const unknown = store.view.animals.where("colour", "red");
    // @ts-expect-error this table has no index at all
    const none = store.view.plain.where("kind", "cat");
    // @ts-expect-error a record of another table
    const wrong = store.transact("wrong", (tx) => tx.plain.put({ name: "Tom", kind: "cat", foods: [] }));
    const meals: number = store.view.animals.derived.meals.meals;
    // @ts-expect-error nothing of that name is derived of it
    const wings = store.view.animals.derived.wings;
    // @ts-expect-error the view cannot be written
    const write = store.view.plain.put({ id: "1" });
    store.watch((change) => {
      for (const put of change.puts) if (put.table === "animals") assert.equal(typeof put.after.kind, "string");
    });
    const kinds: (string | undefined)[] = store.view.animals.where("food", "fish").map((a) => a.kind);
    return [done, nothing, late, unknown, none, wrong, write, kinds, meals, wings];
  };
  assert.equal(typeof uses, "function");
});
