import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { paginate } from "./pagination.ts";

const base = { key: (item: string) => item, limits: { default: 2, max: 100 }, secret: "s", filters: { cluster: "c" } };

test("pages follow one another until all is told; the last has no token", () => {
  const items = ["a", "b", "c", "d", "e"];
  const first = paginate({ ...base, items });
  assert.deepEqual(first.page, ["a", "b"]);
  const second = paginate({ ...base, items, nextToken: first.nextToken, maxResults: 3 });
  assert.deepEqual(second, { page: ["c", "d", "e"], nextToken: undefined });
});

test("a token stays good when its item is gone and others have come", () => {
  const { nextToken } = paginate({ ...base, items: ["a", "b", "c", "d"] });
  assert.deepEqual(paginate({ ...base, items: ["a", "aa", "ba", "c", "d"], nextToken }).page, ["ba", "c"]);
  assert.deepEqual(paginate({ ...base, items: ["a"], nextToken }), { page: [], nextToken: undefined });
});

const tokenOf = (filters: unknown, secret = "s") =>
  paginate({ ...base, items: ["a", "b", "c"], filters, secret }).nextToken!;

test("a token of other filters, of another server, altered, or made up is refused; equal filters in another order are not", () => {
  const good = tokenOf({ cluster: "c" });
  for (const nextToken of [
    tokenOf({ cluster: "d" }),
    tokenOf({ cluster: "c" }, "other"),
    `${good}A`,
    good.slice(0, -2),
    "",
    "x",
    `${good}=`,
    "é",
  ])
    assert.throws(
      () => paginate({ ...base, items: ["a"], nextToken }),
      { code: "InvalidParameterException" },
      nextToken,
    );
  const token = tokenOf({ a: 1, b: { c: 1, d: 2 } });
  assert.ok(paginate({ ...base, items: ["a", "b", "c"], filters: { b: { d: 2, c: 1 }, a: 1 }, nextToken: token }));
  assert.throws(() => paginate({ ...base, items: [], nextToken: "x", errorCode: "ValidationError" }), {
    code: "ValidationError",
  });
});

test("a page size out of range is refused", () => {
  for (const maxResults of [0, -1, 101, 1.5, Number.NaN])
    assert.throws(() => paginate({ ...base, items: [], maxResults }), { code: "InvalidParameterException" });
});

test("whatever comes and goes between pages, what stays is told exactly once, in order", () => {
  const keys = fc.uniqueArray(fc.constantFrom(..."abcdefghijkl"), { maxLength: 12 });
  fc.assert(
    fc.property(
      keys,
      fc.array(keys, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 4 }),
      (stay, visitors, maxResults) => {
        const told: string[] = [];
        let nextToken: string | undefined;
        let round = 0;
        do {
          const items = [...new Set([...stay, ...(visitors[round++ % visitors.length] ?? [])])].sort();
          const answer = paginate({ ...base, items, maxResults, nextToken });
          told.push(...answer.page);
          nextToken = answer.nextToken;
        } while (nextToken !== undefined);
        assert.deepEqual(told, [...new Set(told)].sort());
        assert.deepEqual(
          stay.filter((key) => !told.includes(key)),
          [],
        );
      },
    ),
  );
});
