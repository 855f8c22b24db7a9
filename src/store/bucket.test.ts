import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Bucket } from "./bucket.ts";

const genStep = fc.record({
  // Enough keys that a list is patched as well as sorted anew.
  key: fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`),
  kind: fc.constantFrom("set", "set", "set", "delete", "list"),
});

test("a bucket's list is its records ordered by key, and a list once given never changes", () => {
  fc.assert(
    fc.property(fc.array(genStep, { minLength: 30, maxLength: 120 }), (steps) => {
      const bucket = new Bucket();
      const model = new Map<string, object>();
      const given: { readonly list: readonly object[]; readonly copy: readonly object[] }[] = [];
      for (const { key, kind } of steps) {
        const record = { key };
        if (kind === "set") {
          bucket.set(key, record);
          model.set(key, record);
        } else if (kind === "delete") {
          bucket.delete(key);
          model.delete(key);
        } else {
          const list = bucket.list();
          const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
          assert.deepEqual(list, expected);
          assert.ok(
            list.every((each, i) => each === expected[i]),
            "an older record was given",
          );
          given.push({ list, copy: [...list] });
        }
        assert.equal(bucket.size, model.size);
      }
      for (const { list, copy } of given) assert.deepEqual(list, copy);
    }),
  );
});

test("a list that nothing has changed is given again without work", () => {
  const bucket = new Bucket();
  bucket.set("b", { b: 1 });
  bucket.set("a", { a: 1 });
  assert.equal(bucket.list(), bucket.list());
});
