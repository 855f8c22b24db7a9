import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { newTask } from "../engine/new-task.ts";
import { StateDamagedError } from "./agent-state.ts";
import { openSqliteState } from "./sqlite-state.ts";

function inDir(body: (dir: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const dir = mkdtempSync(join(tmpdir(), "berth-agent-state-"));
    try {
      await body(dir);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  };
}
const task = (id: string) =>
  newTask(
    { arn: `arn:aws:ecs:r:1:task/c/${id}`, containers: [{ name: "a", image: "i" }] } as never,
    1,
    seededRandom(1),
  );

test(
  "tasks, identity and pulled images are the same after closing and opening",
  inDir(async (dir) => {
    const first = openSqliteState(dir, new ManualClock(), silentLog());
    const [a, b] = [task("a"), task("b")];
    first.saveTask(a);
    first.saveTask(b);
    first.setIdentity({ instanceId: "i-1" });
    first.setIdentity({ latestSeqNum: 7 });
    first.pulledImages.add("x:1");
    await first.flush();
    a.desiredStatus = "STOPPED";
    first.saveTask(a);
    first.deleteTask(b.arn);
    await first.close();
    const second = openSqliteState(dir, new ManualClock(), silentLog());
    assert.deepEqual(second.loadTasks(), JSON.parse(JSON.stringify([a])));
    assert.deepEqual(second.identity(), { instanceId: "i-1", latestSeqNum: 7 });
    assert.ok(second.pulledImages.has("x:1"));
    await second.close();
  }),
);

test(
  "a change that nobody waits for is written within a fifth of a second",
  inDir(async (dir) => {
    const clock = new ManualClock();
    const state = openSqliteState(dir, clock, silentLog());
    state.saveTask(task("a"));
    clock.advance(200);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const mark = state.flush();
    await mark;
    await state.close();
    const again = openSqliteState(dir, clock, silentLog());
    assert.equal(again.loadTasks().length, 1);
    await again.close();
  }),
);

test(
  "a flush makes durable also what was written before without anybody waiting for it",
  inDir(async (dir) => {
    const clock = new ManualClock();
    const state = openSqliteState(dir, clock, silentLog());
    await state.flush();
    const logBytes = () => statSync(join(dir, "agent.db-wal")).size;
    state.saveTask(task("a"));
    clock.advance(200);
    const written = logBytes();
    await state.flush(); // nothing has changed since, but what is in the log is not synced yet
    assert.ok(logBytes() > written, "a commit that writes nothing syncs nothing");
    const synced = logBytes();
    await state.flush();
    assert.equal(logBytes(), synced, "there was nothing left to sync");
    await state.close();
  }),
);

test(
  "a flipped byte is named and never served",
  inDir(async (dir) => {
    const state = openSqliteState(dir, new ManualClock(), silentLog());
    state.saveTask(task("a"));
    await state.close();
    const db = new DatabaseSync(join(dir, "agent.db"));
    db.exec("UPDATE state SET value = replace(value, '\"RUNNING\"', '\"RUNNINH\"')");
    db.close();
    assert.throws(
      () => openSqliteState(dir, new ManualClock(), silentLog()),
      (error) => error instanceof StateDamagedError && /checksum of "task\/arn/.test(error.message),
    );
  }),
);

test(
  "two agents cannot use one state",
  inDir(async (dir) => {
    const state = openSqliteState(dir, new ManualClock(), silentLog());
    assert.throws(() => openSqliteState(dir, new ManualClock(), silentLog()), /another agent is using/);
    await state.close();
  }),
);
