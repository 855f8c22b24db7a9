import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../../runtime/log.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { ARN, bench, quiet, start, until } from "../testing/engine-bench.ts";
import { memoryState } from "../testing/memory-state.ts";
import { stopOrphans } from "./orphans.ts";
import { taskStatus } from "./task-record.ts";

function listeningLog() {
  const said: { readonly level: string; readonly fields: object }[] = [];
  const at = (level: string) => (fields: object) => void said.push({ level, fields });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return { log, said };
}
const other = (id: string, more: object = {}) =>
  readPayloadTask({ arn: ARN + id, desiredStatus: "RUNNING", containers: [{ name: id, image: "image", ...more }] });

test("all tasks of a deregistered instance stop, waiting ones too, and go when their clean-up is due; it is said once", async () => {
  const { engine, daemon, clock } = bench({ cpu: 100 });
  const { log, said } = listeningLog();
  await engine.accept([start([{ name: "over" }])]);
  await quiet();
  daemon.exit(daemon.named("over"), 0);
  await engine.accept([other("runs", { cpu: 100 }), other("waits", { cpu: 100 })]);
  await quiet();
  assert.deepEqual(
    [...engine.tasks()].map((it) => taskStatus(it)),
    ["STOPPED", "RUNNING", "NONE"],
  );
  await stopOrphans(engine, log);
  await stopOrphans(engine, log);
  await quiet();
  await stopOrphans(engine, log);
  assert.ok([...engine.tasks()].every((it) => taskStatus(it) === "STOPPED"));
  assert.deepEqual(said, [{ level: "warn", fields: { tasks: [`${ARN}runs`, `${ARN}waits`] } }]);
  assert.equal(daemon.calls.filter((it) => it === "stop runs").length, 1);
  assert.ok(!daemon.calls.includes("create waits"));

  for (const task of engine.tasks()) task.sent = { ...task.sent, status: "STOPPED" };
  clock.advance(50_000);
  await quiet();
  assert.equal(daemon.containers.size, 2, "kept until the clean-up time");
  await until(clock, "the containers are removed", () => daemon.containers.size === 0);
});

test("orphans whose stop could not be made durable are stopped at the next refusal", async () => {
  const state = memoryState();
  const { engine, daemon } = bench({ state });
  const { log, said } = listeningLog();
  await engine.accept([start([{ name: "main" }])]);
  await quiet();
  const flush = state.flush;
  state.flush = () => Promise.reject(new Error("disk full"));
  await stopOrphans(engine, log);
  await quiet();
  assert.equal(daemon.named("main").state, "running");
  state.flush = flush;
  await stopOrphans(engine, log);
  await quiet();
  assert.equal(daemon.named("main").state, "exited");
  assert.deepEqual(
    said.map((it) => it.level),
    ["warn", "error"],
  );
});
