import assert from "node:assert/strict";
import { test } from "node:test";
import type { Journal, JournalEntry, JournalListener, JournalState, JournalWrite } from "./journal.ts";

/** Where a journal keeps what it is given, in a test. */
export interface JournalPlace {
  /** A new journal over what is kept there. At most one is open at a time. */
  open(): Journal;
  remove(): Promise<void>;
}

type Contract = (promise: string, check: (open: () => Promise<OpenJournal>) => Promise<void>) => void;

/** What every journal promises, as tests. Each test is given a place of its own. */
export function describeJournalContract(name: string, makePlace: () => Promise<JournalPlace>): void {
  const contract: Contract = (promise, check) =>
    test(`${name}: ${promise}`, async () => {
      const place = await makePlace();
      const opened: OpenJournal[] = [];
      const open = async () => {
        const journal = await openJournal(place.open());
        opened.push(journal);
        return journal;
      };
      try {
        await check(open);
      } finally {
        for (const journal of opened) await journal.close();
        await place.remove();
      }
    });

  contract("an empty journal holds nothing, at revision 0 and schema version 0", async (open) => {
    const journal = await open();
    assert.deepEqual(journal.state, { revision: 0, schemaVersion: 0 });
    assert.equal(journal.records.size, 0);
  });

  contract("what was committed is there after closing and opening, the last write of a record alone", async (open) => {
    const journal = await open();
    await journal.commit([put("a", "1", { v: 1 }), put("a", "2", { v: 2 }), put("b", "1", { v: 3 })]);
    await journal.commit([put("a", "1", { v: 4 }), remove("a", "2")]);
    await journal.close();
    const again = await open();
    assert.deepEqual(Object.fromEntries(again.records), { "a/1": { v: 4 }, "b/1": { v: 3 } });
    assert.equal(again.state.revision, journal.revisions.at(-1));
  });

  contract("entries are settled in order, with growing revisions, and never within append", async (open) => {
    const journal = await open();
    const entries = Array.from({ length: 300 }, (_, i) => entryOf([put("a", String(i % 7), { i })]));
    for (const entry of entries) {
      const before = journal.settled.length;
      journal.append(entry);
      assert.equal(journal.settled.length, before, "settled within append");
    }
    await journal.idle();
    assert.deepEqual(journal.settled, entries);
    assert.ok(journal.revisions.every((revision, i) => i === 0 || revision > (journal.revisions[i - 1] as number)));
  });

  describeAppendingWhileTold(contract);

  contract("closing settles what was appended and says nothing afterwards", async (open) => {
    const journal = await open();
    for (let i = 0; i < 50; i++) journal.append(entryOf([put("a", String(i), { i })]));
    await journal.close();
    assert.equal(journal.settled.length, 50);
    assert.equal((await open()).records.size, 50);
  });

  contract("closing twice is the same as closing once", async (open) => {
    const journal = await open();
    await Promise.all([journal.close(), journal.close()]);
    await journal.close();
  });

  contract("the schema version is the last one that an entry named", async (open) => {
    const journal = await open();
    await journal.commit([], 3);
    await journal.commit([put("a", "1", {})]);
    await journal.close();
    const again = await open();
    assert.equal(again.state.schemaVersion, 3);
    assert.equal(again.state.revision, journal.revisions.at(-1));
  });

  contract("any text is kept as it is, in keys and in records, at any size", async (open) => {
    const journal = await open();
    const texts = ["", " ", "\u0000", "a\u0000b", "\n", '"', "\\", "é", "\u{1F9F1}", "\uFEFF", "x".repeat(3 << 20)];
    const writes = texts.map((text) => put("t\u0000\n|", `k${text}`, { text, list: [text, { [text]: null }] }));
    await journal.commit([...writes, put("plain", "lone", { text: "\uD800" })]);
    await journal.close();
    const again = await open();
    for (const { table, key, record } of writes) assert.deepEqual(again.records.get(`${table}/${key}`), record);
    assert.deepEqual(again.records.get("plain/lone"), { text: "\uD800" });
  });
}

/** What is appended by those who are told, as transactions do that follow on others. */
function describeAppendingWhileTold(contract: Contract): void {
  contract("what is appended while an entry is told of, or just after, is settled once, in its turn", async (open) => {
    const journal = await open();
    const entries = Array.from({ length: 200 }, (_, i) => entryOf([put("a", String(i), { i })]));
    let next = 0;
    const appendSome = (count: number) => {
      for (const entry of entries.slice(next, next + count)) journal.append(entry);
      next += count;
    };
    journal.onSettled = (settled) => {
      appendSome(settled % 3);
      queueMicrotask(() => appendSome(settled % 2));
    };
    while (next < entries.length) {
      appendSome(1);
      await journal.idle();
    }
    await journal.idle();
    assert.deepEqual(journal.settled, entries);
    await journal.close();
    assert.equal((await open()).records.size, entries.length);
  });
}

function put(table: string, key: string, record: object): JournalWrite {
  return { table, key, record };
}

function remove(table: string, key: string): JournalWrite {
  return { table, key, record: undefined };
}

function entryOf(writes: readonly JournalWrite[], schemaVersion?: number): JournalEntry {
  return { name: "test", seen: 0, reads: [], writes, schemaVersion };
}

interface OpenJournal {
  readonly state: JournalState;
  /** What was loaded, by `table/key`. */
  readonly records: ReadonlyMap<string, object>;
  readonly settled: readonly JournalEntry[];
  readonly revisions: readonly number[];
  /** Called within each notice that an entry is settled, with how many are. */
  onSettled: (settled: number) => void;
  append(entry: JournalEntry): void;
  /** Resolves when everything appended is settled. */
  idle(): Promise<void>;
  commit(writes: readonly JournalWrite[], schemaVersion?: number): Promise<void>;
  close(): Promise<void>;
}

async function openJournal(journal: Journal): Promise<OpenJournal> {
  const records = new Map<string, object>();
  const state = await journal.load((loaded) => {
    for (const { table, key, record } of loaded)
      if (record === undefined) records.delete(`${table}/${key}`);
      else records.set(`${table}/${key}`, record);
  });
  const settled: JournalEntry[] = [];
  const revisions: number[] = [];
  let appended = 0;
  let closed = false;
  let wake = () => {};
  let failure: Error | undefined;
  const unexpected = (what: string) => () => {
    failure = new Error(`unexpected: ${what}`);
    wake();
  };
  const listener: JournalListener = {
    committed(entry, revision) {
      assert.equal(closed, false, "told after close");
      settled.push(entry);
      revisions.push(revision);
      opened.onSettled(settled.length);
      wake();
    },
    conflicted: unexpected("a conflict"),
    foreign: unexpected("a foreign change"),
    failed: unexpected("a failure"),
  };
  journal.subscribe(listener);
  const append = (entry: JournalEntry) => {
    appended++;
    journal.append(entry);
  };
  const idle = async () => {
    while (settled.length < appended && failure === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    if (failure !== undefined) throw failure;
  };
  const commit = (writes: readonly JournalWrite[], schemaVersion?: number) => {
    append(entryOf(writes, schemaVersion));
    return idle();
  };
  const close = async () => {
    await journal.close();
    closed = true;
  };
  const opened: OpenJournal = { state, records, settled, revisions, onSettled: () => {}, append, idle, commit, close };
  return opened;
}
