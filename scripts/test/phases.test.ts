import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";

/** Runs the phases on a project of these files, in a process of its own. */
function gate(t: TestContext, files: Record<string, string>, wish: object) {
  const root = mkdtempSync(join(tmpdir(), "berth-gate-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  const phases = JSON.stringify(join(import.meta.dirname, "phases.ts"));
  const given = JSON.stringify({ root, list: false, setupFailed: false, ...wish });
  const program = `import { runPhases } from ${phases}; process.exitCode = await runPhases(${given});`;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // node:test does not run inside node:test
  writeFileSync(join(root, "gate.mjs"), program);
  const { stdout, status } = spawnSync(process.execPath, [join(root, "gate.mjs")], {
    encoding: "utf8",
    env,
    timeout: 60_000,
  });
  return { status, stdout, lastLine: stdout.trimEnd().split("\n").at(-1) };
}

const head = 'import { test } from "node:test"; import assert from "node:assert";\n';

test("passed and failed tests are counted over all files, and the last line says how many", (t) => {
  const { status, lastLine, stdout } = gate(
    t,
    {
      "src/a.test.ts": `${head}test("one", () => {}); test("two", async (t) => { await t.test("inner", () => {}); });`,
      "src/deep/b.test.ts": `${head}test("three", () => assert.fail("on purpose"));`,
      "src/c.ts": "throw new Error('no test');",
      "test/d.e2e.test.ts": "throw new Error('not this phase');",
    },
    { phases: ["unit"] },
  );
  assert.equal(lastLine, "3 passed, 1 failed");
  assert.equal(status, 1);
  assert.match(stdout, /failed:\n {2}src\/deep\/b\.test\.ts: three/);
});

test("when all pass the exit code is 0, and when nothing ran it is 1", (t) => {
  const good = gate(t, { "test/a.test.ts": `${head}test("one", () => {});` }, { phases: ["unit", "contract"] });
  assert.deepEqual([good.lastLine, good.status], ["1 passed, 0 failed", 0]);
  const empty = gate(t, {}, { phases: ["unit"] });
  assert.deepEqual([empty.lastLine, empty.status], ["0 passed, 0 failed", 1]);
});

test("a skipped test, a file that does not compile and one that hangs are failures", (t) => {
  const skipped = gate(t, { "src/a.test.ts": `${head}test.skip("one", () => {});` }, { phases: ["unit"] });
  assert.deepEqual([skipped.lastLine, skipped.status], ["0 passed, 1 failed", 1]);
  const broken = gate(t, { "src/a.test.ts": "const = 1;" }, { phases: ["unit"] });
  assert.deepEqual([broken.lastLine, broken.status], ["0 passed, 1 failed", 1]);
  const hanging = `${head}test("one", () => {}); setInterval(() => {}, 1000);`;
  const hung = gate(t, { "src/a.test.ts": hanging }, { phases: ["unit"], limitMs: 1_500 });
  assert.equal(hung.status, 1);
  assert.match(hung.lastLine ?? "", /^\d passed, 1 failed$/);
});
