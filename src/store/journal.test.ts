import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { describeJournalContract } from "./journal-contract.ts";
import { MemoryDisk, MemoryJournal } from "./memory-journal.ts";
import { sqliteJournal } from "./sqlite/sqlite-journal.ts";

/** Its timers keep the process alive: what a test waits for must come. */
const clock = { ...systemClock(), after: awaitedTimer };

function awaitedTimer(ms: number, fn: () => void) {
  const handle = setTimeout(fn, ms);
  return { cancel: () => clearTimeout(handle) };
}

describeJournalContract("memory", async () => {
  const disk = new MemoryDisk();
  return { open: () => new MemoryJournal({ disk, clock }), remove: async () => {} };
});

describeJournalContract("SQLite", async () => {
  const directory = await mkdtemp(join(tmpdir(), "berth-journal-"));
  return {
    open: () => sqliteJournal({ path: join(directory, "berth.db"), clock, log: silentLog() }),
    remove: () => rm(directory, { recursive: true }),
  };
});
