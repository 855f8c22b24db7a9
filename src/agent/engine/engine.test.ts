import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { ContainerRuntime } from "../container-runtime.ts";
import { RuntimeError } from "../container-runtime.ts";
import { type FakeDaemon, fakeDaemon } from "../fake-runtime.ts";
import { type ManualClock, manualClock } from "../manual-clock.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { type MemoryState, memoryState } from "../state/memory-state.ts";
import { type TaskEngine, taskEngine } from "./engine.ts";
import type { PullBehaviour } from "./settings.ts";
import { taskStatus } from "./task-record.ts";

const ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/t1";

interface Bench {
  readonly clock: ManualClock;
  readonly daemon: FakeDaemon;
  readonly state: MemoryState;
  readonly engine: TaskEngine;
}

function bench(
  options: {
    daemon?: FakeDaemon;
    clock?: ManualClock;
    state?: MemoryState;
    runtime?: ContainerRuntime;
    pullBehaviour?: PullBehaviour;
    cpu?: number;
  } = {},
): Bench {
  const clock = options.clock ?? manualClock();
  const daemon = options.daemon ?? fakeDaemon(clock);
  const state = options.state ?? memoryState();
  const engine = taskEngine({
    runtime: options.runtime ?? daemon.connect(),
    state,
    clock,
    random: seededRandom(state.loadTasks().length + 1),
    log: silentLog(),
    settings: {
      region: "us-east-1",
      cluster: "default",
      pullBehaviour: options.pullBehaviour ?? "default",
      stopTimeoutSeconds: 30,
      cleanupWaitMs: 60_000,
    },
    host: {
      containerInstanceArn: "arn",
      instanceId: "i-0",
      availabilityZone: "a",
      privateIp: "10.0.0.1",
      hostName: "h",
    },
    resources: { cpu: options.cpu ?? 2048, memoryMiB: 4096, ports: new Set() },
    onChange: () => undefined,
  });
  engine.start();
  return { clock, daemon, state, engine };
}

const start = (containers: object[], more: object = {}) =>
  readPayloadTask({
    arn: ARN,
    family: "web",
    version: "1",
    desiredStatus: "RUNNING",
    containers: containers.map((it) => ({ image: "image", ...it })),
    ...more,
  });
const stop = { kind: "stop", arn: ARN } as const;

/** Lets everything that needs no time happen. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Lets time pass in steps until the condition holds. */
async function until(clock: ManualClock, what: string, holds: () => boolean): Promise<void> {
  for (let step = 0; step < 40; step++) {
    await quiet();
    if (holds()) return;
    clock.advance(500);
  }
  assert.fail(`never: ${what}`);
}

test("a task's containers start in the order of their dependencies and stop in the reverse order", async () => {
  const { engine, daemon } = bench();
  await engine.accept([
    start([
      { name: "web", dependsOn: [{ containerName: "db", condition: "HEALTHY" }] },
      {
        name: "db",
        healthCheckType: "docker",
        dockerConfig: { config: '{"Healthcheck":{"Test":["CMD","true"]}}' },
        dependsOn: [{ containerName: "init", condition: "SUCCESS" }],
      },
      { name: "init", essential: false },
    ]),
  ]);
  await quiet();
  assert.deepEqual(daemon.calls, ["create init", "start init"]);
  daemon.exit(daemon.named("init"), 0);
  await quiet();
  assert.deepEqual(daemon.calls.slice(2), ["create db", "start db"], "web waits for health");
  daemon.setHealth(daemon.named("db"), "HEALTHY");
  await quiet();
  assert.deepEqual(daemon.calls.slice(4), ["create web", "start web"]);
  assert.equal(taskStatus(engine.task(ARN)!), "RUNNING");
  await engine.accept([stop]);
  await quiet();
  assert.deepEqual(daemon.calls.slice(6), ["stop web", "stop db"]);
  assert.equal(taskStatus(engine.task(ARN)!), "STOPPED");
});

test("when an essential container exits the others are stopped; when another exits they are not", async () => {
  const { engine, daemon } = bench();
  await engine.accept([start([{ name: "main" }, { name: "side", essential: false }, { name: "other" }])]);
  await quiet();
  daemon.exit(daemon.named("side"), 1);
  await quiet();
  assert.equal(taskStatus(engine.task(ARN)!), "RUNNING");
  daemon.exit(daemon.named("main"), 137, true);
  await quiet();
  const task = engine.task(ARN)!;
  assert.equal(taskStatus(task), "STOPPED");
  assert.deepEqual(
    task.containers.map((it) => [it.name, it.exitCode, it.reason]),
    [
      ["main", 137, "OutOfMemoryError: Container killed due to memory usage"],
      ["side", 1, undefined],
      ["other", 143, undefined],
    ],
  );
});

test("a container that the daemon refuses to start ends its task with CannotStartContainerError", async () => {
  const { engine, daemon } = bench();
  daemon.startFailures.set("main", "Error response from daemon: port is already allocated");
  await engine.accept([start([{ name: "main" }])]);
  await quiet();
  assert.equal(
    engine.task(ARN)!.containers[0]!.reason,
    "CannotStartContainerError: Error response from daemon: port is already allocated",
  );
  assert.equal(taskStatus(engine.task(ARN)!), "STOPPED");
});

test("an image that is neither here nor to be had ends the task with CannotPullContainerError", async () => {
  const { engine, daemon } = bench();
  daemon.pullFailures.set("absent", new RuntimeError("not-found", "Error response from daemon: manifest unknown"));
  await engine.accept([start([{ name: "main", image: "absent" }])]);
  await quiet();
  assert.equal(
    engine.task(ARN)!.containers[0]!.reason,
    "CannotPullContainerError: Error response from daemon: manifest unknown",
  );
});

test("a restart policy starts a container again in place once it ran for the attempt period", async () => {
  const { engine, daemon, clock } = bench();
  await engine.accept([
    start([{ name: "main", restartPolicy: { enabled: true, restartAttemptPeriod: 60, ignoredExitCodes: [7] } }]),
  ]);
  await quiet();
  clock.advance(60_000);
  daemon.exit(daemon.named("main"), 1);
  await quiet();
  const container = engine.task(ARN)!.containers[0]!;
  assert.deepEqual([container.status, container.restartCount, daemon.containers.size], ["RUNNING", 1, 1]);
  clock.advance(59_000);
  daemon.exit(daemon.named("main"), 1);
  await quiet();
  assert.equal(container.status, "STOPPED", "it ran too briefly");
});

test("an exit code that the restart policy ignores is final", async () => {
  const { engine, daemon, clock } = bench();
  await engine.accept([
    start([{ name: "main", restartPolicy: { enabled: true, restartAttemptPeriod: 60, ignoredExitCodes: [7] } }]),
  ]);
  await quiet();
  clock.advance(600_000);
  daemon.exit(daemon.named("main"), 7);
  await quiet();
  assert.equal(taskStatus(engine.task(ARN)!), "STOPPED");
});

test("a startTimeout that passes gives up the container that waits, with exit code 143", async () => {
  const { engine, daemon, clock } = bench();
  await engine.accept([
    start([
      { name: "slow", startTimeout: 5 },
      { name: "main", dependsOn: [{ containerName: "slow", condition: "COMPLETE" }] },
    ]),
  ]);
  await quiet();
  clock.advance(4_999);
  await quiet();
  assert.equal(engine.task(ARN)!.containers[1]!.status, "NONE");
  clock.advance(1);
  await quiet();
  assert.equal(engine.task(ARN)!.containers[1]!.exitCode, 143);
  assert.match(engine.task(ARN)!.containers[1]!.reason!, /^CannotStartContainerError: .*startTimeout of 5 seconds/);
  assert.equal(daemon.named("slow").state, "exited", "the task was stopped");
});

test("a task that does not fit waits, and holds up those behind it, until resources are free", async () => {
  const { engine } = bench({ cpu: 1024 });
  const task = (id: string, cpu: number) =>
    readPayloadTask({ arn: ARN + id, desiredStatus: "RUNNING", containers: [{ name: id, image: "image", cpu }] });
  await engine.accept([task("a", 600), task("b", 600), task("c", 100), task("d", 2000)]);
  await quiet();
  const statuses = () => ["a", "b", "c", "d"].map((id) => taskStatus(engine.task(ARN + id)!));
  assert.deepEqual(statuses(), ["RUNNING", "NONE", "NONE", "STOPPED"]);
  assert.match(engine.task(`${ARN}d`)!.reason!, /needs 2000 CPU units; the host has 1024/);
  await engine.accept([{ kind: "stop", arn: `${ARN}a` }]);
  await quiet();
  assert.deepEqual(statuses(), ["STOPPED", "RUNNING", "RUNNING", "STOPPED"]);
});

test("while the daemon is away nothing is reported stopped, and what happened meanwhile is seen when it is back", async () => {
  const { engine, daemon, clock } = bench();
  await engine.accept([start([{ name: "main" }, { name: "side", essential: false }])]);
  await quiet();
  daemon.setDown(true);
  await quiet();
  clock.advance(120_000);
  await quiet();
  assert.equal(taskStatus(engine.task(ARN)!), "RUNNING");
  Object.assign(daemon.named("side"), { state: "exited", exitCode: 9, finishedAt: clock.now() });
  daemon.setDown(false);
  await until(clock, "the exit is noticed", () => engine.task(ARN)!.containers[1]!.exitCode === 9);
  assert.equal(engine.task(ARN)!.containers[0]!.status, "RUNNING");
  assert.deepEqual(
    daemon.calls.filter((it) => it.startsWith("start")),
    ["start main", "start side"],
  );
});

test("a container that someone removed is reported with ContainerVanishedError", async () => {
  const { engine, daemon } = bench();
  await engine.accept([start([{ name: "main" }])]);
  await quiet();
  await daemon.connect().remove(daemon.named("main").id);
  await quiet();
  assert.equal(engine.task(ARN)!.containers[0]!.reason, "ContainerVanishedError: No container matching saved ID found");
});

test("a container with this agent's label but of no known task is removed; another agent's is left alone", async () => {
  const clock = manualClock();
  const daemon = fakeDaemon(clock);
  const runtime = daemon.connect();
  const spec = {
    image: "image",
    environment: {},
    cpuShares: 2,
    ports: [],
    mounts: [],
    volumesFrom: [],
    links: [],
    overlay: {},
  };
  await runtime.create({
    ...spec,
    name: "stray",
    labels: { "berth.instance-id": "i-0", "com.amazonaws.ecs.task-arn": "gone" },
  });
  await runtime.create({
    ...spec,
    name: "theirs",
    labels: { "berth.instance-id": "i-1", "com.amazonaws.ecs.task-arn": "gone" },
  });
  bench({ clock, daemon });
  await quiet();
  assert.deepEqual(
    [...daemon.containers.values()].map((it) => it.spec.name),
    ["theirs"],
  );
});

test("a stopped task is cleaned up after the wait, but not before its stop is acknowledged", async () => {
  const { engine, daemon, clock } = bench();
  await engine.accept([
    start([{ name: "main", mountPoints: [{ sourceVolume: "data", containerPath: "/data" }] }], {
      volumes: [{ name: "data", host: {} }],
    }),
  ]);
  await quiet();
  assert.equal(daemon.volumes.size, 1);
  await engine.accept([stop]);
  await quiet();
  clock.advance(600_000);
  await quiet();
  assert.equal(daemon.containers.size, 1);
  engine.task(ARN)!.sent = { status: "STOPPED", fingerprint: "" };
  clock.advance(60_000);
  await quiet();
  assert.deepEqual([daemon.containers.size, daemon.volumes.size, engine.task(ARN)], [0, 0, undefined]);
});

/** Runs a task while the agent is killed at the `at`-th step; true if it got that far. */
async function runWithKill(at: number, when: "before" | "after", finish: "RUNNING" | "STOPPED"): Promise<boolean> {
  const clock = manualClock();
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
  const clock = manualClock();
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
  const clock = manualClock();
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
    const clock = manualClock();
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
  const clock = manualClock();
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
