import assert from "node:assert/strict";
import { test } from "node:test";
import { age, renderTable, shortName } from "./output.ts";

test("a table's columns are as wide as their widest cell", () => {
  const text = renderTable(
    [
      { a: "x", b: "1" },
      { a: "longer", b: "22" },
    ],
    [
      { heading: "A", of: (r) => r.a },
      { heading: "B", of: (r) => r.b },
    ],
    false,
  );
  assert.equal(text, "A       B\nx       1\nlonger  22\n");
});

test("a table without rows shows its headings", () => {
  assert.equal(renderTable<string>([], [{ heading: "A", of: (r) => r }], false), "A\n");
});

test("an age is told in its largest unit", () => {
  const now = 10_000_000_000;
  const ago = (seconds: number) => age(new Date(now - seconds * 1000), now);
  assert.deepEqual([ago(5), ago(119), ago(121), ago(7200), ago(200_000)], ["5s", "119s", "2m", "2h", "2d"]);
  assert.equal(age(undefined, now), "-");
});

test("an ARN's short name is what follows its last slash", () => {
  assert.equal(shortName("arn:aws:ecs:us-east-1:000000000000:task/default/abc"), "abc");
  assert.equal(shortName(undefined), "-");
});
