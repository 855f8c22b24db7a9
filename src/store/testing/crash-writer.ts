import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { seededRandom } from "../../runtime/random.ts";
import { openStore } from "../open.ts";
import { sqliteJournal } from "../sqlite/sqlite-journal.ts";
import type { Transaction } from "../store.ts";
import { table } from "../table.ts";

/** The process that crash.test.ts kills: it writes a known sequence of transactions and says which are acknowledged. */

const SLOTS = 40;
const IN_FLIGHT = 24;

export interface CrashRecord {
  readonly id: string;
  /** The transaction that wrote it. */
  readonly n: number;
  readonly pad: string;
}

export const CRASH_SCHEMA = {
  left: table<CrashRecord>()({ key: (r) => r.id, indexes: { parity: (r) => String(r.n % 2) } }),
  right: table<CrashRecord>()({ key: (r) => r.id, indexes: { parity: (r) => String(r.n % 2) } }),
  last: table<CrashRecord>()({ key: (r) => r.id }),
} as const;

/** What transaction `n` does to three tables: two records change together, one goes, one counts. */
export function crashStep(tx: Transaction<typeof CRASH_SCHEMA>, n: number): void {
  const id = `slot-${n % SLOTS}`;
  tx.left.put({ id, n, pad: "l".repeat((n * 37) % 3000) });
  tx.right.put({ id, n, pad: "r".repeat((n * 11) % 500) });
  tx.left.delete(`slot-${(n * 7) % SLOTS}-gone`);
  tx.left.put({ id: `slot-${((n + 3) * 7) % SLOTS}-gone`, n, pad: "" });
  tx.last.put({ id: "last", n, pad: "" });
}

async function main(path: string, seed: number): Promise<void> {
  const clock = systemClock();
  const random = seededRandom(seed);
  const store = await openStore({
    schema: CRASH_SCHEMA,
    journal: sqliteJournal({ path, clock, log: silentLog() }),
    log: silentLog(),
  });
  writeSync(1, "open\n");
  let next = (store.view.last.get("last")?.n ?? 0) + 1;
  const write = async () => {
    for (let i = 0; i < 8; i++) {
      const n = next++;
      await store.transact("step", (tx) => crashStep(tx, n));
      writeSync(1, `${n}\n`);
    }
  };
  for (;;) {
    await Promise.all(Array.from({ length: IN_FLIGHT }, write));
    // Long enough, now and then, for entries to be folded.
    await new Promise((resolve) => setTimeout(resolve, random.next() * 90));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  main(process.argv[2] ?? "", Number(process.argv[3])).catch((error) => {
    writeSync(2, `${error.message}\n`);
    process.exit(3);
  });
