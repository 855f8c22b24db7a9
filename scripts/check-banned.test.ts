import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints } from "./check-banned.ts";

const banned: readonly [code: string, replacement: RegExp][] = [
  ["const t = Date.now();", /now\(\) of a Clock/],
  ["const d = new Date();", /new Date\(clock\.now\(\)\)/],
  ["const d = Date();", /Clock/],
  ["performance.now()", /monotonic/],
  ["setTimeout(work, 10);", /after\(\) or sleep\(\)/],
  ["globalThis.setInterval(work, 10);", /every\(\)/],
  ['import { setTimeout as sleep } from "node:timers/promises";', /sleep\(\)/],
  ["Math.random() < 0.5", /Random/],
  ['import { randomUUID } from "node:crypto";', /uuid\(\)/],
  ["crypto.getRandomValues(bytes)", /hex\(\)/],
];

for (const [code, replacement] of banned)
  test(`${code} is refused in a room, with what to take instead`, () => {
    const [first, ...others] = complaints("src/api/index.ts", `// a comment\n${code}\n`);
    assert.match(first ?? "nothing", /^src\/api\/index\.ts:2: /);
    assert.match(first ?? "nothing", replacement);
    assert.deepEqual(others, []);
    assert.deepEqual(complaints("src/runtime/clock.ts", code), []);
  });

test("words that only look like a banned call are fine", () => {
  for (const code of [
    "new Date(clock.now())",
    "clock.setTimeout(1)",
    "request.setTimeout(1000);",
    "// Date.now() would be wrong here",
    "/**\n * Not setTimeout( but a Clock.\n */",
    "toDate(x)",
    "const updatedDate = formatDate(now)",
  ])
    assert.deepEqual(complaints("src/api/index.ts", code), [], code);
});

test("a file of more than 400 lines is refused unless it begins with the reason", () => {
  const lines = (count: number) => "x;\n".repeat(count);
  assert.deepEqual(complaints("src/api/index.ts", lines(400)), []);
  assert.match(complaints("src/api/index.ts", lines(401))[0] ?? "", /401 lines/);
  assert.deepEqual(complaints("src/api/index.ts", `// Longer than 400 lines: one table.\n${lines(401)}`), []);
});

test("a file named for nothing is refused", () => {
  for (const name of ["utils.ts", "helper.ts", "common.ts"])
    assert.match(complaints(`src/api/${name}`, "")[0] ?? "", /name it for what it does/);
  assert.deepEqual(complaints("src/api/common-errors.ts", ""), []);
});
