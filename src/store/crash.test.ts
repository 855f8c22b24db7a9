import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { seededRandom } from "../runtime/random.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { openStore } from "./open.ts";
import { sqliteJournal } from "./sqlite/sqlite-journal.ts";
import type { Store } from "./store.ts";
import { CRASH_SCHEMA, crashStep } from "./testing/crash-writer.ts";

const KILLS = 20;
const WRITER = fileURLToPath(new URL("./testing/crash-writer.ts", import.meta.url));

type CrashStore = Store<typeof CRASH_SCHEMA>;

async function openFile(path: string): Promise<CrashStore> {
  const journal = sqliteJournal({ path, clock: systemClock(), log: silentLog() });
  return openStore({ schema: CRASH_SCHEMA, journal, log: silentLog() });
}

function contents(store: CrashStore): unknown {
  return Object.entries(store.view).map(([name, table]) => [
    name,
    [...table.all()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  ]);
}

/** Lets the writer run for a while and kills it. Returns the last transaction that it was told was durable. */
async function runAndKill(path: string, seed: number, runMs: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path, String(seed)], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8");
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (text: string) => {
      output += text;
      resolve();
    });
    child.once("exit", (code) => reject(new Error(`the writer ended by itself with ${code}`)));
  });
  await new Promise((resolve) => setTimeout(resolve, runMs));
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  const whole = output.slice(0, output.lastIndexOf("\n")).split("\n");
  return Math.max(0, ...whole.filter((line) => line !== "open").map(Number));
}

test(`after each of ${KILLS} kills -9 every acknowledged transaction is there, and every other one whole or not at all`, async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-crash-"));
  const path = join(directory, "berth.db");
  const random = seededRandom(Date.now() >>> 0);
  const clock = { ...systemClock(), after: (ms: number, fn: () => void) => timer(ms, fn) };
  // The same transactions, one after the other, on a store that does not crash.
  const model = await openStore({
    schema: CRASH_SCHEMA,
    journal: new MemoryJournal({ disk: new MemoryDisk(), clock }),
    log: silentLog(),
  });
  let modelled = 0;
  try {
    for (let round = 0; round < KILLS; round++) {
      const acknowledged = await runAndKill(path, round, random.next() * 120);
      const store = await openFile(path);
      try {
        const last = store.view.last.get("last")?.n ?? 0;
        assert.ok(
          last >= acknowledged,
          `round ${round}: ${acknowledged} was acknowledged, but ${last} is the last one`,
        );
        const until = last;
        await model.transact("steps", (tx) => {
          while (modelled < until) crashStep(tx, ++modelled);
        });
        assert.deepEqual(contents(store), contents(model), `round ${round}`);
        store.verify();
      } finally {
        await store.close(); // its thread would keep the process alive
      }
    }
    assert.ok(modelled > KILLS * 10, "the writer hardly wrote");
  } finally {
    await model.close();
    await rm(directory, { recursive: true });
  }
});

function timer(ms: number, fn: () => void) {
  const handle = setTimeout(fn, ms);
  return { cancel: () => clearTimeout(handle) };
}

async function endOf(child: ChildProcess): Promise<{ readonly code: number | null; readonly errors: string }> {
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, errors };
}

test("a write that the disk refuses is named, and what was acknowledged before it is there", async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-full-"));
  const path = join(directory, "berth.db");
  try {
    // Files may not grow beyond 1 MiB (blocks of 512 bytes): the log soon wants more.
    const command = 'ulimit -f 2048; exec "$0" "$@"';
    const child = spawn("sh", ["-c", command, process.execPath, WRITER, path, "1"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const { code, errors } = await endOf(child);
    assert.equal(code, 3, errors);
    assert.match(errors, /the store has failed.*berth\.db: the disk .*(free space|Free some space)/);
    const acknowledged = Math.max(...output.trim().split("\n").slice(1).map(Number));
    const store = await openFile(path);
    try {
      assert.ok((store.view.last.get("last")?.n ?? 0) >= acknowledged);
      store.verify();
    } finally {
      await store.close();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});
