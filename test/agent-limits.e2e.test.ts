import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mountedHierarchies } from "../src/agent/cgroup/hierarchies.ts";
import { BUSYBOX, importBusybox, startDockerd, type TestDockerd } from "./rig/dockerd.ts";
import { FakeEcs, TEST_KEY, waitUntil } from "./rig/fake-ecs.ts";

/** A task's own cpu and memory, on a real engine with a real kernel. */

const ecs = new FakeEcs();
const hierarchies = mountedHierarchies();
let dockerd: TestDockerd;
let agent: ChildProcess;
let parent = "";
/** Of control groups, as the engine says it. */
let version = 0;
let tasks = 0;

before(async () => {
  dockerd = await startDockerd("limits", "10.213.78.1/24");
  importBusybox(dockerd);
  parent = `/${dockerd.namespace}/ecs`;
  version = Number(dockerd.docker("info", "--format", "{{.CgroupVersion}}"));
  await ecs.listen();
  await startAgent();
});

after(async () => {
  if (agent?.exitCode === null) agent.kill("SIGKILL");
  await ecs.drop();
  await dockerd?.remove();
});

async function startAgent(): Promise<void> {
  const log = openSync(join(dockerd.dir, "agent.log"), "a");
  const args = [
    ...["--endpoint", ecs.endpoint, "--docker-host", dockerd.host, "--cgroup-parent", parent],
    ...["--state-dir", join(dockerd.dir, "agent"), "--log-level", "debug"],
  ];
  agent = spawn(process.execPath, [join(import.meta.dirname, "rig", "agent-process.ts"), ...args], {
    stdio: ["ignore", log, log],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: TEST_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_KEY.secretAccessKey,
      AWS_REGION: "us-east-1",
      ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "2s",
    },
  });
  closeSync(log);
  await waitUntil("the agent has an ACS session", () => ecs.connected() || agent.exitCode !== null);
  assert.equal(agent.exitCode, null, readFileSync(join(dockerd.dir, "agent.log"), "utf8").slice(-2000));
}

async function killAgent(): Promise<void> {
  const gone = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGKILL");
  await gone;
  await waitUntil("the session is gone", () => !ecs.connected());
}

const shell = (script: string) => ({ command: ["/bin/sh", "-c", script] });
/** Its one process has so many MiB of memory, and keeps them: what it reads into its buffer nobody takes. */
const holding = (mib: number) =>
  shell(`busybox mkfifo /f; sleep 3600 < /f & exec busybox dd if=/dev/zero of=/f bs=${mib}M`);

function task(containers: object[], limits: object) {
  const id = (++tasks).toString(16).padStart(32, "0");
  return {
    arn: `arn:aws:ecs:us-east-1:000000000000:task/default/${id}`,
    group: `${parent}/${id}`,
    payload: {
      arn: `arn:aws:ecs:us-east-1:000000000000:task/default/${id}`,
      ...{ family: "web", version: "1", taskClusterArn: "default", desiredStatus: "RUNNING" },
      containers: containers.map((it) => ({ name: "main", image: BUSYBOX, essential: true, stopTimeout: 1, ...it })),
      ...limits,
    },
  };
}

/** What a controller's file says of a group. */
function setting(group: string, v1: readonly [controller: string, file: string], v2: string): string {
  const found = hierarchies.find((it) => (version === 2 ? it.version === 2 : it.controllers.includes(v1[0])));
  return readFileSync(join(found!.root, group, version === 2 ? v2 : v1[1]), "utf8").trim();
}
const memoryLimit = (group: string) => setting(group, ["memory", "memory.limit_in_bytes"], "memory.max");
const cpuLimit = (group: string) =>
  version === 2
    ? setting(group, ["", ""], "cpu.max")
    : `${setting(group, ["cpu", "cpu.cfs_quota_us"], "")} ${setting(group, ["cpu", "cpu.cfs_period_us"], "")}`;
/** The hierarchies in which a group is. */
const placesOf = (group: string) => hierarchies.map(({ root }) => join(root, group)).filter(existsSync);

test("the capability is told of an engine with the driver cgroupfs", () => {
  const attributes = ecs.registrations[0]!.attributes as { name: string }[];
  assert.ok(attributes.some((it) => it.name === "ecs.capability.task-cpu-mem-limit"));
});

test("containers within their task's memory one by one, but not together, lose the larger to the kernel", async () => {
  const { arn, payload, group } = task(
    [
      { name: "smaller", memory: 30, ...holding(12) },
      {
        ...{ name: "larger", memory: 30, essential: false, ...holding(24) },
        dependsOn: [{ containerName: "smaller", condition: "START" }],
      },
    ],
    { memory: 32 },
  );
  ecs.payload(payload);
  const heard = (name: string) => ecs.heard(arn)?.containers.find((it) => it.containerName === name);
  await waitUntil("the larger is gone", () => heard("larger")?.status === "STOPPED");
  assert.deepEqual(
    [heard("larger")?.exitCode, heard("larger")?.reason],
    [137, "OutOfMemoryError: Container killed due to memory usage"],
  );
  assert.equal(heard("smaller")?.status, "RUNNING");
  assert.equal(memoryLimit(group), `${32 * 2 ** 20}`);
  ecs.payload({ arn, desiredStatus: "STOPPED" });
  await ecs.until(arn, "STOPPED");
  assert.deepEqual([heard("smaller")?.exitCode, heard("smaller")?.reason], [137, undefined], "it was told to stop");
  await waitUntil("the group is removed everywhere", () => placesOf(group).length === 0);
});

test("a task's cpu bounds the sum of its containers", async () => {
  const busy = shell("while :; do :; done");
  const { arn, payload, group } = task(
    [
      { name: "a", ...busy },
      { name: "b", ...busy },
    ],
    { cpu: 0.25 },
  );
  ecs.payload(payload);
  await ecs.until(arn, "RUNNING");
  assert.equal(cpuLimit(group), "25000 100000");
  const throttled = () => Number(/nr_throttled (\d+)/.exec(setting(group, ["cpu", "cpu.stat"], "cpu.stat"))?.[1]);
  await waitUntil("the kernel holds the group back", () => throttled() > 3);
  ecs.payload({ arn, desiredStatus: "STOPPED" });
  await ecs.until(arn, "STOPPED");
});

test("a task without limits of its own has no group", async () => {
  const { arn, payload, group } = task([{ memory: 16 }], {});
  ecs.payload(payload);
  await ecs.until(arn, "RUNNING");
  assert.deepEqual(placesOf(group), []);
  ecs.payload({ arn, desiredStatus: "STOPPED" });
  await ecs.until(arn, "STOPPED");
});

test("limits outlast a killed agent, whose successor makes them for a restart and removes them in the end", async () => {
  const { arn, payload, group } = task(
    [{ ...shell("sleep 4; exit 1"), restartPolicy: { enabled: true, restartAttemptPeriod: 1 } }],
    { memory: 16, cpu: 0.5 },
  );
  ecs.payload(payload);
  const { containers } = await ecs.until(arn, "RUNNING");
  await killAgent();
  const stranger = `${parent}/${"f".repeat(32)}`;
  for (const { root, controllers } of hierarchies)
    if (!controllers.includes("cpuset")) mkdirSync(join(root, stranger, "left-by-a-container"), { recursive: true });
  assert.equal(memoryLimit(group), `${16 * 2 ** 20}`);
  await startAgent();
  assert.deepEqual(placesOf(stranger), [], "a group of no known task, in which nothing lives, is removed");
  const restarted = () => dockerd.docker("inspect", "-f", "{{.State.Running}}", containers[0]!.runtimeId!) === "true";
  await waitUntil("the container has exited", () => !restarted());
  await waitUntil("the container runs again", restarted);
  assert.deepEqual([memoryLimit(group), cpuLimit(group)], [`${16 * 2 ** 20}`, "50000 100000"]);
  ecs.payload({ arn, desiredStatus: "STOPPED" });
  await ecs.until(arn, "STOPPED");
  await killAgent();
  assert.ok(placesOf(group).length > 0);
  await startAgent();
  await waitUntil("the successor removes the group", () => placesOf(group).length === 0);
});

test("a container that the engine runs outside its task's group is stopped with that reason", async () => {
  const { arn, payload } = task(
    [{ dockerConfig: { hostConfig: JSON.stringify({ CgroupParent: `/${dockerd.namespace}/elsewhere` }) } }],
    { memory: 16 },
  );
  ecs.payload(payload);
  const { containers } = await ecs.until(arn, "STOPPED");
  assert.match(containers[0]!.reason!, /^ResourceInitializationError: .*outside the task's control group/);
});
