import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/runtime/clock.ts";
import { silentLog } from "../src/runtime/log.ts";
import { openStore, sqliteJournal, table } from "../src/store/index.ts";

/** How fast the store is on this machine. Takes about 15 seconds. Usage: bench/store.ts [DIRECTORY to put the file in] */

interface Item {
  readonly id: string;
  readonly cluster: string;
  readonly status: string;
  readonly pad: string;
}

const SCHEMA = {
  items: table<Item>()({
    key: (i) => i.id,
    indexes: { cluster: (i) => i.cluster, status: (i) => `${i.cluster}|${i.status}` },
  }),
} as const;
const MEASURE_MS = 2_500;
const RECORDS = 100_000;
const PAD = "x".repeat(900);

const clock = systemClock();
const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), "berth-bench-"));
const path = join(directory, "berth.db");
const open = () =>
  openStore({ schema: SCHEMA, journal: sqliteJournal({ path, clock, log: silentLog() }), log: silentLog() });
const item = (n: number): Item => ({ id: `item-${n}`, cluster: `c${n % 50}`, status: `s${n % 4}`, pad: PAD });

/** Transactions per second, and the time that one took, with so many in flight. */
async function measure(store: Awaited<ReturnType<typeof open>>, inFlight: number) {
  const took: number[] = [];
  const began = clock.monotonic();
  let n = 0;
  const client = async () => {
    while (clock.monotonic() - began < MEASURE_MS) {
      const id = n++ % 20_000;
      const from = clock.monotonic();
      await store.transact("put", (tx) => {
        tx.items.put(item(id));
      });
      took.push(clock.monotonic() - from);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, client));
  const seconds = (clock.monotonic() - began) / 1000;
  took.sort((a, b) => a - b);
  const percentile = (share: number) => (took[Math.floor(took.length * share)] ?? 0).toFixed(2);
  return {
    "in flight": inFlight,
    "per second": Math.round(took.length / seconds),
    "p50 ms": percentile(0.5),
    "p99 ms": percentile(0.99),
  };
}

try {
  let store = await open();
  const rows = [];
  for (const inFlight of [1, 64, 1024]) rows.push(await measure(store, inFlight));
  console.table(rows);
  for (let from = 0; from < RECORDS; from += 2000)
    await store.transact("fill", (tx) => {
      for (let n = from; n < Math.min(from + 2000, RECORDS); n++) tx.items.put(item(n));
    });
  await store.close();
  const openings = [];
  for (const when of ["with entries to replay", "again"]) {
    const began = clock.monotonic();
    store = await open();
    openings.push({ open: when, records: store.view.items.size, ms: Math.round(clock.monotonic() - began) });
    await clock.sleep(1);
    await store.close();
  }
  const { size } = await stat(path);
  console.table(openings);
  console.log(`file: ${(size / 2 ** 20).toFixed(0)} MiB`);
} finally {
  await rm(directory, { recursive: true });
}
