import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

/** How long the unit tests may take together, and the contract tests. They take seconds; longer means that one hangs. */
const UNIT_LIMIT_MS = 600_000;
/** How long one file of end-to-end tests may take: it makes hosts and waits for drains and restarts. */
const E2E_LIMIT_MS = 600_000;

/** What to run, as scripts/test.mjs worked it out. */
export interface Wish {
  readonly root: string;
  /** Of check, unit, contract, e2e, in that order. */
  readonly phases: readonly string[];
  /** Only name what would run. */
  readonly list: boolean;
  /** Set-up could not get all that the tests need. */
  readonly setupFailed: boolean;
  /** In place of the limits above, in milliseconds. */
  readonly limitMs?: number;
}

/** How many tests ended how. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Runs the phases and prints, last and alone, `N passed, N failed`. Answers the exit code. */
export async function runPhases(wish: Wish): Promise<number> {
  if (wish.list) return listPhases(wish);
  const failures: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const phase of wish.phases) {
    console.log(`\n== ${phase}`);
    const tally = phase === "check" ? runChecks(wish.root, failures) : await runTests(phase, wish, failures);
    passed += tally.passed;
    failed += tally.failed;
  }
  if (failures.length > 0) console.log(`\nfailed:\n${failures.map((name) => `  ${name}`).join("\n")}`);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

function listPhases(wish: Wish): number {
  for (const phase of wish.phases) {
    const names = phase === "check" ? checks(wish.root).map(({ name }) => name) : testFiles(wish.root, phase);
    for (const name of names) console.log(`${phase}\t${name}`);
  }
  return 0;
}

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

function checks(root: string): readonly Check[] {
  const bin = join(root, "node_modules", ".bin");
  const colours = `--colors=${process.stdout.isTTY ? "force" : "off"}`;
  const own = globSync("scripts/check-*.ts", { cwd: root }).filter((file) => !file.endsWith(".test.ts"));
  return [
    { name: "types (tsc)", command: [join(bin, "tsc")] },
    { name: "lint and format (biome)", command: [join(bin, "biome"), "check", "--error-on-warnings", colours, "."] },
    ...own.sort().map((file) => ({ name: basename(file, ".ts"), command: [process.execPath, file] })),
  ];
}

function runChecks(root: string, failures: string[]): Tally {
  const failed = checks(root).filter(({ name, command: [program = "", ...args] }) => {
    const { status } = spawnSync(program, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    console.log(`${status === 0 ? "✔" : "✖"} ${name}`);
    if (status !== 0) failures.push(`check: ${name}`);
    return status !== 0;
  });
  return { passed: checks(root).length - failed.length, failed: failed.length };
}

/** The test files of a phase: beside the source, over several parts without root, and on a whole system with root. */
export function testFiles(root: string, phase: string): readonly string[] {
  const patterns =
    phase === "unit" ? ["src/**/*.test.ts", "scripts/**/*.test.ts", "sim/**/*.test.ts"] : ["test/**/*.test.ts"];
  const isEndToEnd = (file: string) => file.endsWith(".e2e.test.ts");
  return globSync(patterns, { cwd: root })
    .filter((file) => isEndToEnd(file) === (phase === "e2e"))
    .sort();
}

async function runTests(phase: string, wish: Wish, failures: string[]): Promise<Tally> {
  const files = testFiles(wish.root, phase);
  if (phase !== "e2e")
    return runFiles(wish.root, files, { concurrency: 2, limitMs: wish.limitMs ?? UNIT_LIMIT_MS }, failures);
  if (process.platform !== "linux" || process.geteuid?.() !== 0) {
    const reason = process.platform === "linux" ? "this is not root: run it with sudo" : "this is not Linux";
    for (const file of files) failures.push(`${file}: not run, for it needs root on Linux, and ${reason}`);
    return { passed: 0, failed: files.length };
  }
  let tally: Tally = { passed: 0, failed: wish.setupFailed ? 1 : 0 };
  if (wish.setupFailed) failures.push("set-up: something is missing; it is named at the top");
  for (const file of files) {
    console.log(`\n-- ${file}`);
    const one = await runFiles(wish.root, [file], { concurrency: 1, limitMs: wish.limitMs ?? E2E_LIMIT_MS }, failures);
    tally = { passed: tally.passed + one.passed, failed: tally.failed + one.failed };
  }
  return tally;
}

/** Runs test files, each in a process of its own, shows them as they go and counts their tests. A file that hangs is killed. */
function runFiles(
  root: string,
  files: readonly string[],
  how: { readonly concurrency: number; readonly limitMs: number },
  failures: string[],
): Promise<Tally> {
  if (files.length === 0) return Promise.resolve({ passed: 0, failed: 0 });
  return new Promise((resolve) => {
    // `timeout` ends a test that waits in vain; only the signal ends a file whose tests are over and which does not exit.
    const limits = { timeout: how.limitMs, signal: AbortSignal.timeout(how.limitMs) };
    const stream = run({ cwd: root, files: [...files], concurrency: how.concurrency, ...limits });
    let tally: Tally = { passed: 0, failed: files.length };
    stream.on("test:fail", ({ name, file }) => failures.push(`${file?.replace(`${root}/`, "") ?? ""}: ${name}`));
    stream.on("test:pass", ({ name, file, skip, todo }) => {
      if (skip !== undefined || todo !== undefined)
        failures.push(`${file?.replace(`${root}/`, "") ?? ""}: ${name}: skipped`);
    });
    stream.on("test:summary", ({ file, counts }) => {
      // Skipped tests and tests to be written count as failed: there must be none.
      if (file === undefined) tally = { passed: counts.passed, failed: counts.tests - counts.passed };
    });
    const output = stream.compose(spec);
    output.on("end", () => resolve(tally));
    output.pipe(process.stdout, { end: false });
  });
}
