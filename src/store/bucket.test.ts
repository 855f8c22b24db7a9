import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Bucket, type Row } from "./bucket.ts";

const genStep = fc.record({
  // Enough keys that pieces of four are halved and emptied, first, last and between.
  key: fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`),
  kind: fc.constantFrom("set", "set", "set", "delete", "list"),
});

test("a bucket's records are ordered by key from any key on, and a list once given never changes", () => {
  const seen = { halved: 0 };
  fc.assert(
    fc.property(fc.array(genStep, { minLength: 30, maxLength: 120 }), (steps) => {
      const bucket = new Bucket(4);
      const model = new Map<string, object>();
      const rows = new Map<string, Row>();
      let version = 1;
      const given: { readonly list: readonly object[]; readonly copy: readonly object[] }[] = [];
      for (const { key, kind } of steps) {
        const record = { key };
        if (kind === "set") {
          const known = rows.get(key);
          if (known === undefined) {
            const row = { key, record };
            rows.set(key, row);
            bucket.add(row);
          } else known.record = record;
          version++;
          model.set(key, record);
        } else if (kind === "delete") {
          bucket.delete(key);
          rows.delete(key);
          model.delete(key);
        } else {
          const list = bucket.list(version);
          const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
          assert.deepEqual(list, expected);
          assert.ok(
            list.every((each, i) => each === expected[i]),
            "an older record was given",
          );
          given.push({ list, copy: [...list] });
          const after = [...model].filter(([each]) => each > key).sort(([a], [b]) => (a < b ? -1 : 1));
          assert.deepEqual(
            [...bucket.after(key)],
            after.map(([, each]) => each),
          );
          assert.deepEqual([...bucket.after(undefined)], list);
          if (list.length > 8) seen.halved++;
        }
        assert.equal(bucket.size, model.size);
      }
      for (const { list, copy } of given) assert.deepEqual(list, copy);
    }),
  );
  assert.ok(seen.halved > 0, "no bucket had several pieces");
});

test("a list that nothing has changed is given again without work", () => {
  const bucket = new Bucket();
  bucket.add({ key: "b", record: { b: 1 } });
  bucket.add({ key: "a", record: { a: 1 } });
  assert.equal(bucket.list(1), bucket.list(1));
  assert.notEqual(bucket.list(1), bucket.list(2));
});
