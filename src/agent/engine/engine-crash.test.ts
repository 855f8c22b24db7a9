import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../runtime/manual-clock.ts";
import type { ContainerRuntime } from "../container-runtime.ts";
import { RuntimeError } from "../container-runtime.ts";
import { ARN, bench, quiet, start, stop, until } from "../testing/engine-bench.ts";
import { fakeDaemon } from "../testing/fake-runtime.ts";
import { memoryState } from "../testing/memory-state.ts";
import { taskStatus } from "./task-record.ts";

/** Runs a task while the agent is killed at the `at`-th step; true if it got that far. */
async function runWithKill(at: number, when: "before" | "after", finish: "RUNNING" | "STOPPED"): Promise<boolean> {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  const state = memoryState();
  let steps = 0;
  let dead = false;
  const runtime = daemon.connect((_call, moment) => {
    if (moment === when && steps++ === at) dead = true;
    return dead ? new Promise<never>(() => undefined) : undefined; // A dead agent never hears an answer.
  });
  const first = bench({ clock, daemon, state, runtime });
  const payload = start(
    [
      { name: "web", dependsOn: [{ containerName: "db", condition: "START" }], portMappings: [{ containerPort: 80 }] },
      { name: "db", mountPoints: [{ sourceVolume: "data", containerPath: "/d" }] },
    ],
    { volumes: [{ name: "data", host: {} }] },
  );
  await first.engine.accept([payload]);
  await quiet();
  if (finish === "STOPPED") {
    await first.engine.accept([stop]);
    await quiet();
  }
  first.engine.close();

  const second = bench({ clock, daemon, state: state.afterCrash() });
  await until(
    clock,
    `${finish} after a kill ${when} step ${at}`,
    () => taskStatus(second.engine.task(ARN)!) === finish,
  );
  await quiet();
  const names = [...daemon.containers.values()].map(
    (it) => `${it.spec.labels["com.amazonaws.ecs.container-name"]} ${it.state}`,
  );
  if (finish === "RUNNING") assert.deepEqual(names.sort(), ["db running", "web running"], `killed ${when} step ${at}`);
  else
    assert.ok(
      names.every((it) => !it.endsWith("running")) && new Set(names).size === names.length,
      `killed ${when} step ${at}: ${names}`,
    );
  assert.equal(daemon.volumes.size <= 1, true);
  second.engine.close();
  return dead;
}

for (const finish of ["RUNNING", "STOPPED"] as const)
  for (const when of ["before", "after"] as const)
    test(`an agent killed ${when} any call leaves no orphan and no double of a task that ends ${finish}`, async () => {
      let at = 0;
      while (await runWithKill(at, when, finish)) at++;
      assert.ok(at >= (finish === "RUNNING" ? 8 : 10), `only ${at} steps were tried`);
    });

test("a create whose answer was lost is looked up, and one that was sent twice is adopted", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  let lose = true;
  const losing = daemon.connect((call, when) => {
    if (call !== "create" || when !== "after" || !lose) return;
    lose = false;
    throw new RuntimeError("unreachable", "the answer broke off");
  });
  const twice: ContainerRuntime = {
    ...losing,
    create: async (spec) => {
      if (spec.labels["com.amazonaws.ecs.container-name"] === "second") await losing.create(spec);
      return losing.create(spec);
    },
  };
  const { engine } = bench({ clock, daemon, runtime: twice });
  await engine.accept([
    start([{ name: "first" }, { name: "second", dependsOn: [{ containerName: "first", condition: "START" }] }]),
  ]);
  await until(clock, "RUNNING", () => taskStatus(engine.task(ARN)!) === "RUNNING");
  assert.deepEqual(daemon.calls, ["create first", "start first", "create second", "start second"]);
});

test("a task that arrives while the daemon is away waits for it", async () => {
  const { engine, daemon, clock } = bench();
  await quiet();
  daemon.setDown(true);
  await engine.accept([start([{ name: "main" }])]);
  for (let wait = 0; wait < 10; wait++) {
    await quiet();
    clock.advance(2_000);
  }
  assert.deepEqual(
    [engine.task(ARN)!.containers[0]!.status, engine.task(ARN)!.containers[0]!.reason],
    ["NONE", undefined],
  );
  daemon.setDown(false);
  await until(clock, "RUNNING", () => taskStatus(engine.task(ARN)!) === "RUNNING");
});

test("a restart whose answer was lost is finished once the daemon answers again", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  let lose = false;
  const losing = daemon.connect((call, when) => {
    if (call !== "start" || when !== "before" || !lose) return;
    lose = false;
    throw new RuntimeError("unreachable", "the connection broke off");
  });
  const { engine } = bench({ clock, daemon, runtime: losing });
  await engine.accept([start([{ name: "main", restartPolicy: { enabled: true, restartAttemptPeriod: 60 } }])]);
  await quiet();
  clock.advance(60_000);
  lose = true;
  daemon.exit(daemon.named("main"), 1);
  await until(clock, "it runs again", () => daemon.named("main").state === "running");
  assert.equal(engine.task(ARN)!.containers[0]!.status, "RUNNING");
});

test("a daemon that takes too long to create or start gives the container up with DockerTimeoutError", async () => {
  for (const slow of ["create", "start"]) {
    const clock = new ManualClock();
    const daemon = fakeDaemon(clock);
    const runtime = daemon.connect((call, when) => {
      if (call === slow && when === "before") throw new RuntimeError("timeout", "no answer within 180000 ms");
    });
    const { engine } = bench({ clock, daemon, runtime });
    await engine.accept([start([{ name: "main" }])]);
    await quiet();
    assert.equal(engine.task(ARN)!.containers[0]!.reason, "DockerTimeoutError: no answer within 180000 ms");
  }
});

test("a task stopped while its image is being pulled is over at once, and no container is made", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  let arrive = () => {};
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const runtime = daemon.connect((call, when) => (call === "pull" && when === "before" ? arrived : undefined));
  const { engine } = bench({ clock, daemon, runtime });
  await engine.accept([start([{ name: "main", image: "large" }])]);
  await quiet();
  await engine.accept([stop]);
  await quiet();
  assert.equal(taskStatus(engine.task(ARN)!), "STOPPED");
  arrive();
  await quiet();
  assert.equal(daemon.containers.size, 0);
});
