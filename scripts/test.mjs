/**
 * The gate: `npm test [-- --only check|unit|contract|e2e] [-- --list]`. Sets up what is missing, then runs every phase and ends with one
 * line, `N passed, N failed`. Plain JavaScript, since Node.js 20 runs it until the Node.js that Berth is made for is installed.
 * Exit codes: 0 all passed, 1 something failed or nothing ran, 2 wrong usage.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OWN_PROGRAMS } from "./setup/programs.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const PHASES = ["check", "unit", "contract", "e2e"];

function readArguments() {
  try {
    const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, list: { type: "boolean" } } });
    const unknown = values.only?.find((phase) => !PHASES.includes(phase));
    if (unknown !== undefined) throw new Error(`there is no phase "${unknown}"`);
    return { phases: values.only ?? PHASES, list: values.list === true };
  } catch (error) {
    console.error(`test: ${error.message}\nusage: npm test -- [--only ${PHASES.join("|")}] [--list]`);
    process.exit(2);
  }
}

/** Runs this again with the Node.js that Berth is made for, in its place. */
function continueWithPinnedNode(setupFailed) {
  const pinned = join(root, "node_modules", ".bin", "node");
  const env = { ...process.env, BERTH_TEST_SETUP: setupFailed ? "failed" : "done" };
  const child = spawn(existsSync(pinned) ? pinned : process.execPath, process.argv.slice(1), { stdio: "inherit", env });
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
}

const { phases, list } = readArguments();
const before = process.env.BERTH_TEST_SETUP;
if (before === undefined) {
  const purpose = phases.includes("e2e") && !list ? "test" : "node";
  const { status } = spawnSync(process.execPath, [join(root, "scripts", "setup.mjs"), "--for", purpose], {
    stdio: "inherit",
  });
  if (status !== 0 && status !== 2) process.exit(1);
  if (status === 2 && purpose === "node") process.exit(1);
  continueWithPinnedNode(status === 2);
} else {
  delete process.env.BERTH_TEST_SETUP;
  process.env.PATH = [join(root, "node_modules", ".bin"), OWN_PROGRAMS, process.env.PATH].join(delimiter);
  const { runPhases } = await import("./test/phases.ts");
  process.exitCode = await runPhases({ root, phases, list, setupFailed: before === "failed" });
}
