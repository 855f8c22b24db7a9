import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { RuntimeError } from "../container-runtime.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { ARN, bench, quiet, start, stop, until } from "../testing/engine-bench.ts";
import { fakeDaemon } from "../testing/fake-runtime.ts";
import { taskStatus } from "./task-record.ts";

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
  const clock = new ManualClock();
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
