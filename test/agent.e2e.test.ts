import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { BUSYBOX, importBusybox, startDockerd, type TestDockerd } from "./rig/dockerd.ts";
import { FakeEcs, INSTANCE_ARN, TEST_KEY, waitUntil } from "./rig/fake-ecs.ts";

const ecs = new FakeEcs();

interface Registration {
  readonly cluster: string;
  readonly instanceIdentityDocument: string;
  readonly totalResources: readonly {
    readonly name: string;
    readonly integerValue?: number;
    readonly stringSetValue?: readonly string[];
  }[];
  readonly attributes: readonly { readonly name: string; readonly value?: string }[];
}
interface PublishedMetrics {
  readonly taskArn: string;
  readonly containerMetrics: readonly {
    readonly cpuStatsSet: { readonly max: number; readonly sum: number; readonly sampleCount: number };
  }[];
}
interface PublishedHealth {
  readonly taskArn: string;
  readonly containers: readonly { readonly healthStatus: string; readonly healthOutput?: string }[];
}

let dockerd: TestDockerd;
let agent: ChildProcess;
let tasks = 0;

before(async () => {
  dockerd = await startDockerd("agent", "10.213.77.1/24");
  importBusybox(dockerd);
  await ecs.listen();
  await startAgent();
});

after(async () => {
  if (agent?.exitCode === null) agent.kill("SIGKILL");
  await ecs.drop();
  await dockerd?.remove();
});

async function startAgent(): Promise<void> {
  spawnAgent();
  await waitUntil("the agent has an ACS session", () => ecs.connected() || agent.exitCode !== null);
  assert.equal(agent.exitCode, null, readFileSync(join(dockerd.dir, "agent.log"), "utf8").slice(-2000));
}

function spawnAgent(): void {
  const log = openSync(join(dockerd.dir, "agent.log"), "a");
  const args = [
    "--endpoint",
    ecs.endpoint,
    "--docker-host",
    dockerd.host,
    "--state-dir",
    join(dockerd.dir, "agent"),
    "--log-level",
    "debug",
  ];
  agent = spawn(process.execPath, [join(import.meta.dirname, "rig", "agent-process.ts"), ...args], {
    stdio: ["ignore", log, log],
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: TEST_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TEST_KEY.secretAccessKey,
      AWS_REGION: "us-east-1",
      ECS_ENABLE_CONTAINER_METADATA: "true",
      ECS_INSTANCE_ATTRIBUTES: '{"rack":"7","ecs.availability-zone":"us-east-1c"}',
      ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "3s",
    },
  });
}

async function killAgent(): Promise<void> {
  const gone = new Promise((resolve) => agent.once("exit", resolve));
  agent.kill("SIGKILL");
  await gone;
  await waitUntil("the session is gone", () => !ecs.connected());
}

/** A task to start; a container is named "main" and sleeps unless it says otherwise. */
function task(containers: object[], more: object = {}) {
  const arn = `arn:aws:ecs:us-east-1:000000000000:task/default/${String(++tasks).padStart(4, "0")}`;
  return {
    arn,
    family: "web",
    version: "1",
    taskClusterArn: "default",
    desiredStatus: "RUNNING",
    containers: containers.map((it) => ({
      name: "main",
      image: BUSYBOX,
      cpu: 10,
      memory: 32,
      essential: true,
      stopTimeout: 1,
      ...it,
    })),
    ...more,
  };
}
const shell = (script: string) => ({ command: ["/bin/sh", "-c", script] });
function fetchInNamespace(url: string): string {
  const script = `const r = await fetch("${url}"); if (!r.ok) process.exit(1); console.log(await r.text())`;
  return dockerd.inNamespace(process.execPath, "--input-type=module", "-e", script);
}
/** A server inside a container needs a moment after its container runs. */
async function answering(ask: () => string): Promise<string> {
  let page = "";
  await waitUntil("the container's server answers", () => {
    try {
      page = ask();
      return true;
    } catch {
      return false;
    }
  });
  return page;
}
const stopped = (arn: string) => ecs.payload({ arn, desiredStatus: "STOPPED" });
const acked = (messageId: string) =>
  waitUntil(`${messageId} is acknowledged`, () =>
    ecs.acs.some((it) => it.type === "AckRequest" && it.message.messageId === messageId),
  );
const containersOf = (arn: string) =>
  dockerd
    .docker("ps", "-aq", "--no-trunc", "--filter", `label=com.amazonaws.ecs.task-arn=${arn}`)
    .split("\n")
    .filter(Boolean);

/** Runs from the first test to the last: nothing that happens to agent, daemon or control plane may touch it. */
const steady = task([{ ...shell("while :; do :; sleep 0.1; done") }]);
let steadyContainer = "";

test("the agent registers its host with what it has, and signs every call", async () => {
  const registration = ecs.registrations[0] as unknown as Registration;
  assert.equal(registration.cluster, "default");
  const document = JSON.parse(registration.instanceIdentityDocument);
  assert.match(document.instanceId, /^i-[0-9a-f]{17}$/);
  assert.deepEqual(
    [document.privateIp, document.availabilityZone, document.region],
    ["127.0.0.1", "us-east-1c", "us-east-1"],
  );
  const amount = (name: string) => registration.totalResources.find((it) => it.name === name)?.integerValue ?? 0;
  assert.ok(amount("CPU") >= 1024 && amount("CPU") % 1024 === 0 && amount("MEMORY") > 256);
  const attributes = new Map(registration.attributes.map((it) => [it.name, it.value]));
  assert.equal(attributes.get("rack"), "7");
  assert.ok(attributes.has("com.amazonaws.ecs.capability.docker-remote-api.1.24"));
  assert.ok(!attributes.has("ecs.capability.task-eni") && !attributes.has("ecs.availability-zone"));
  assert.deepEqual(ecs.problems, []);
  ecs.payload(steady);
  steadyContainer = (await ecs.until(steady.arn, "RUNNING")).containers[0]!.runtimeId!;
});

test("a task runs on a dynamic port, with its environment, and stops with its exit code", async () => {
  const it = task([
    {
      ...shell("env > /tmp/index.html; trap 'exit 3' TERM; httpd -f -p 80 -h /tmp & wait"),
      portMappings: [{ containerPort: 80, hostPort: 0, protocol: "tcp" }],
      environment: { GREETING: "hello there" },
    },
  ]);
  await acked(ecs.payload(it));
  const running = await ecs.until(it.arn, "RUNNING");
  const [container] = running.containers;
  const port = container!.networkBindings![0]!.hostPort;
  const page = await answering(() => fetchInNamespace(`http://127.0.0.1:${port}/`));
  assert.match(page, /^GREETING=hello there$/m);
  assert.match(page, /^AWS_REGION=us-east-1$/m);
  assert.equal(containersOf(it.arn)[0], container!.runtimeId);
  stopped(it.arn);
  const end = await ecs.until(it.arn, "STOPPED");
  assert.equal(end.containers[0]!.exitCode, 3);
});

test("exit codes, memory kills and failed starts are told in ECS's words", async () => {
  const exits = task([{ ...shell("exit 42") }]);
  const greedy = task([{ ...shell("tail /dev/zero"), memory: 8 }]);
  const absent = task([{ command: ["/no/such/program"] }]);
  const noImage = task([{ image: "no-such-registry.invalid/app@sha256:bad" }]);
  ecs.payload(exits, greedy, absent, noImage);
  assert.equal((await ecs.until(exits.arn, "STOPPED")).containers[0]!.exitCode, 42);
  assert.deepEqual(
    ecs.submitted.filter((it) => it.task === exits.arn).map((it) => it.status),
    ["RUNNING", "STOPPED"],
  );
  const killed = (await ecs.until(greedy.arn, "STOPPED")).containers[0]!;
  assert.equal(killed.exitCode, 137);
  assert.match(killed.reason!, /^OutOfMemoryError: Container killed due to memory usage$/);
  assert.match(
    (await ecs.until(absent.arn, "STOPPED")).containers[0]!.reason!,
    /^CannotStartContainerError: Error response from daemon: .*no such file/,
  );
  assert.match(
    (await ecs.until(noImage.arn, "STOPPED", 40_000)).containers[0]!.reason!,
    /^Cannot(Pull|Create)ContainerError: /,
  );
});

test("containers share volumes in the order of their dependencies; a read-only mount stays so", async () => {
  const dir = join(dockerd.dir, "shared");
  mkdirSync(dir);
  writeFileSync(join(dir, "from-host"), "host\n");
  const mounts = (readOnly: boolean) => [
    { sourceVolume: "scratch", containerPath: "/scratch" },
    { sourceVolume: "host", containerPath: "/host", readOnly },
  ];
  const it = task(
    [
      {
        name: "main",
        ...shell(
          "cat /scratch/word /host/from-host > /scratch/both; touch /host/x || echo refused >> /scratch/both; sleep 3600",
        ),
        mountPoints: mounts(true),
        dependsOn: [{ containerName: "init", condition: "SUCCESS" }],
      },
      { name: "init", essential: false, ...shell("sleep 0.3; echo init > /scratch/word"), mountPoints: mounts(false) },
    ],
    {
      volumes: [
        { name: "scratch", host: {} },
        { name: "host", type: "host", host: { sourcePath: dir } },
      ],
    },
  );
  ecs.payload(it);
  const running = await ecs.until(it.arn, "RUNNING");
  const main = running.containers.find((c) => c.containerName === "main")!;
  await waitUntil("the file is whole", () =>
    dockerd.docker("exec", main.runtimeId!, "cat", "/scratch/both").includes("refused"),
  );
  assert.equal(dockerd.docker("exec", main.runtimeId!, "cat", "/scratch/both"), "init\nhost\nrefused");
  stopped(it.arn);
  await ecs.until(it.arn, "STOPPED");
  await waitUntil(
    "containers and volumes are cleaned up",
    () =>
      containersOf(it.arn).length === 0 &&
      dockerd.docker("volume", "ls", "-q", "--filter", `label=com.amazonaws.ecs.task-arn=${it.arn}`) === "",
  );
});

test("container health is published at once when it changes", async () => {
  const healthcheck = JSON.stringify({
    Healthcheck: {
      Test: ["CMD-SHELL", "test -e /tmp/well || { echo not well; exit 1; }"],
      Interval: 500_000_000,
      Timeout: 1_000_000_000,
      Retries: 1,
    },
  });
  const it = task([
    {
      ...shell("sleep 1; touch /tmp/well; sleep 3600"),
      healthCheckType: "docker",
      dockerConfig: { config: healthcheck },
    },
  ]);
  ecs.payload(it);
  const health = (status: string, output: string | undefined) =>
    ecs.tcs.some(
      (frame) =>
        frame.type === "PublishHealthRequest" &&
        (frame.message.tasks as PublishedHealth[]).some(
          (t) =>
            t.taskArn === it.arn &&
            t.containers[0]?.healthStatus === status &&
            t.containers[0]?.healthOutput === output,
        ),
    );
  await waitUntil("UNHEALTHY is published, with what the check wrote", () => health("UNHEALTHY", "not well"));
  await waitUntil("HEALTHY is published", () => health("HEALTHY", undefined));
  stopped(it.arn);
  await ecs.until(it.arn, "STOPPED");
});

test("a container finds its metadata file, complete once it runs", async () => {
  const it = task([{ portMappings: [{ containerPort: 80 }] }]);
  ecs.payload(it);
  const { runtimeId, networkBindings } = (await ecs.until(it.arn, "RUNNING")).containers[0]!;
  const file = () => JSON.parse(dockerd.docker("exec", runtimeId!, "sh", "-c", "cat $ECS_CONTAINER_METADATA_FILE"));
  await waitUntil("READY", () => file().MetadataFileStatus === "READY");
  const metadata = file();
  assert.deepEqual(
    [
      metadata.Cluster,
      metadata.TaskARN,
      metadata.ContainerID,
      metadata.ContainerInstanceARN,
      metadata.AvailabilityZone,
      metadata.PortMappings[0].HostPort,
    ],
    ["default", it.arn, runtimeId, INSTANCE_ARN, "us-east-1c", networkBindings![0]!.hostPort],
  );
  assert.ok(metadata.HostName && metadata.TaskDefinitionFamily === "web" && metadata.TaskDefinitionRevision === "1");
  stopped(it.arn);
  await ecs.until(it.arn, "STOPPED");
});

test("a range of container ports is published on a range of host ports", async () => {
  const it = task([
    {
      ...shell("mkdir /tmp/pages; echo hi > /tmp/pages/index.html; httpd -p 8001 -h /tmp; sleep 3600"),
      portMappings: [{ containerPortRange: "8000-8002", protocol: "tcp" }],
    },
  ]);
  ecs.payload(it);
  const [binding] = (await ecs.until(it.arn, "RUNNING")).containers[0]!.networkBindings as unknown as {
    containerPortRange: string;
    hostPortRange: string;
  }[];
  assert.equal(binding?.containerPortRange, "8000-8002");
  const [first = 0, last = 0] = (binding?.hostPortRange ?? "").split("-").map(Number);
  assert.equal(last - first, 2);
  await answering(() => fetchInNamespace(`http://127.0.0.1:${first + 1}/pages/index.html`));
  stopped(it.arn);
  await ecs.until(it.arn, "STOPPED");
});

test("what the agent does not carry out stops that task by name; nonsense is reported and harms nothing", async () => {
  const eni = task([{}], { networkMode: "awsvpc" });
  const broken = { ...task([{}]), containers: [{ name: "main", image: BUSYBOX, memory: "512" }] };
  ecs.sendRaw("not json");
  ecs.sendRaw('{"type":"PayloadMessage","message":{"tasks":3}}');
  ecs.send("__proto__", {});
  ecs.payload(eni);
  assert.equal(
    (await ecs.until(eni.arn, "STOPPED")).reason,
    'ResourceInitializationError: this agent does not support network mode "awsvpc"',
  );
  const messageId = ecs.payload(broken);
  assert.match((await ecs.until(broken.arn, "STOPPED")).reason, /^UnrecogniedTaskError: Error loading task - /);
  assert.ok(!ecs.acs.some((it) => it.type === "AckRequest" && it.message.messageId === messageId));
  const unknown = "arn:aws:ecs:us-east-1:000000000000:task/default/unknown";
  stopped(unknown);
  assert.match((await ecs.until(unknown, "STOPPED")).reason, /^TaskStateError: /);
});

test("a killed agent comes back to the same containers, tells what happened meanwhile, and sheds what is no longer wanted", async () => {
  const keep = task([{}]);
  const dies = task([{}]);
  const unwanted = task([{}]);
  ecs.payload(keep, dies, unwanted);
  for (const it of [keep, dies, unwanted]) await ecs.until(it.arn, "RUNNING");
  const [before] = containersOf(keep.arn);
  await killAgent();
  dockerd.docker("kill", "--signal", "KILL", ...containersOf(dies.arn));
  await startAgent();
  const again = ecs.registrations.at(-1)!;
  assert.equal(again.containerInstanceArn, INSTANCE_ARN);
  assert.ok(
    !(again as unknown as Registration).attributes.some((it) => it.name === "rack"),
    "custom attributes only go with the first registration",
  );
  assert.equal((await ecs.until(dies.arn, "STOPPED")).containers[0]!.exitCode, 137);
  const manifest = ecs.manifest(keep.arn, steady.arn);
  await waitUntil("the agent asks", () =>
    ecs.acs.some((it) => it.type === "TaskStopVerificationMessage" && it.message.messageId === manifest),
  );
  const asked = ecs.acs.find((it) => it.type === "TaskStopVerificationMessage" && it.message.messageId === manifest)!;
  ecs.send("TaskStopVerificationAck", { messageId: manifest, generatedAt: 1, stopTasks: asked.message.stopCandidates });
  await ecs.until(unwanted.arn, "STOPPED");
  assert.deepEqual(containersOf(keep.arn), [before]);
  assert.equal(ecs.heard(keep.arn)!.status, "RUNNING");
  stopped(keep.arn);
  await ecs.until(keep.arn, "STOPPED");
});

test("an agent killed at random moments while tasks start leaves each with one container", async () => {
  const wanted = Array.from({ length: 6 }, () => task([{}]));
  for (const [index, it] of wanted.entries()) {
    const messageId = ecs.payload(it);
    await sleep(index * 45);
    await killAgent();
    await startAgent();
    if (!ecs.acs.some((ack) => ack.type === "AckRequest" && ack.message.messageId === messageId)) ecs.payload(it);
  }
  for (const it of wanted) await ecs.until(it.arn, "RUNNING");
  for (const it of wanted) assert.equal(containersOf(it.arn).length, 1);
  for (const it of wanted) stopped(it.arn);
  for (const it of wanted) await ecs.until(it.arn, "STOPPED");
});

test("a killed Docker daemon stops nothing: the same containers run afterwards, and nothing else was said", async () => {
  const it = task([{}]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  const [before] = containersOf(it.arn);
  const said = ecs.submitted.length;
  await dockerd.killDaemon();
  await sleep(1500);
  const meanwhile = task([{}]);
  ecs.payload(meanwhile);
  await dockerd.startDaemon();
  await ecs.until(meanwhile.arn, "RUNNING");
  assert.deepEqual(containersOf(it.arn), [before]);
  assert.deepEqual(
    ecs.submitted.slice(said).map((report) => report.task),
    [meanwhile.arn],
  );
  dockerd.docker("kill", before!);
  await ecs.until(it.arn, "STOPPED");
  stopped(meanwhile.arn);
  await ecs.until(meanwhile.arn, "STOPPED");
});

test("when the control plane comes back the agent is there within seconds, and what it refused to hear is told again", async () => {
  const it = task([{ ...shell("sleep 2; exit 5") }]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  await ecs.drop();
  await sleep(2500);
  ecs.failSubmits = "ServerException";
  const began = performance.now();
  await ecs.listen();
  await waitUntil("the session is back", () => ecs.connected());
  assert.ok(performance.now() - began < 5_000);
  await sleep(300);
  ecs.failSubmits = undefined;
  assert.equal((await ecs.until(it.arn, "STOPPED")).containers[0]!.exitCode, 5);
});

test("an agent that was frozen for three seconds keeps its sessions", async () => {
  const registrations = ecs.registrations.length;
  agent.kill("SIGSTOP");
  await sleep(3000);
  agent.kill("SIGCONT");
  const it = task([{}]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  assert.equal(ecs.registrations.length, registrations);
  stopped(it.arn);
  await ecs.until(it.arn, "STOPPED");
});

test("twenty tasks in two payloads run about as soon as twenty parallel docker runs", async (t) => {
  const run = promisify(execFile);
  const measure = async (work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const byDocker = await measure(() =>
    Promise.all(
      Array.from({ length: 20 }, () => run("docker", ["-H", dockerd.host, "run", "-d", "--label", "twenty", BUSYBOX])),
    ),
  );
  dockerd.docker("rm", "-f", ...dockerd.docker("ps", "-aq", "--filter", "label=twenty").split("\n"));
  const wanted = Array.from({ length: 20 }, () => task([{}]));
  const byAgent = await measure(async () => {
    ecs.payload(...wanted.slice(0, 10));
    ecs.payload(...wanted.slice(10));
    await Promise.all(wanted.map((it) => ecs.until(it.arn, "RUNNING", 60_000)));
  });
  t.diagnostic(
    `20 docker runs ${Math.round(byDocker)} ms, 20 tasks ${Math.round(byAgent)} ms: ratio ${(byAgent / byDocker).toFixed(2)}`,
  );
  assert.ok(byAgent < byDocker * 3, "far slower than Docker itself");
  for (const it of wanted) stopped(it.arn);
  await Promise.all(wanted.map((it) => ecs.until(it.arn, "STOPPED", 60_000)));
});

test("a task's use of the host is published, and through all of this its container was left alone", async () => {
  const published = () =>
    ecs.tcs
      .filter((frame) => frame.type === "PublishMetricsRequest")
      .flatMap((frame) => (frame.message.taskMetrics ?? []) as PublishedMetrics[])
      .find((it) => it.taskArn === steady.arn);
  await waitUntil("metrics of the steady task", () => published() !== undefined, 30_000);
  const [metrics] = published()!.containerMetrics;
  assert.ok(
    metrics && metrics.cpuStatsSet.sampleCount > 0 && metrics.cpuStatsSet.max <= 100 && metrics.cpuStatsSet.sum > 0,
  );
  assert.deepEqual(containersOf(steady.arn), [steadyContainer]);
  assert.deepEqual(
    ecs.submitted.filter((it) => it.task === steady.arn).map((it) => it.status),
    ["RUNNING"],
  );
});

test("SIGTERM ends the agent at once with 0 and leaves its containers running; every signature was right", async () => {
  const it = task([{}]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  const ended = new Promise<number | null>((resolve) => agent.once("exit", resolve));
  agent.kill("SIGTERM");
  assert.equal(await ended, 0);
  assert.equal(dockerd.docker("inspect", "--format", "{{.State.Running}}", containersOf(it.arn)[0]!), "true");
  assert.deepEqual(ecs.problems, []);
  assert.ok(existsSync(join(dockerd.dir, "agent", "agent.db")));
});

test("an agent that comes back to a deregistered instance stops all its tasks, once, and cleans up after them", async () => {
  await startAgent();
  const it = task([shell("trap 'exit 7' TERM; while :; do sleep 0.1; done")]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  await ecs.drop();
  ecs.inactive = true;
  await ecs.listen();
  assert.equal((await ecs.until(it.arn, "STOPPED")).containers[0]!.exitCode, 7);
  await ecs.until(steady.arn, "STOPPED");
  const running = () => dockerd.docker("ps", "-q", "--filter", "label=com.amazonaws.ecs.task-arn");
  await waitUntil("nothing of the agent's runs", () => running() === "");
  await waitUntil("its containers are removed", () => containersOf(it.arn).length === 0);
  assert.equal(ecs.refusedUpgrades, 2, "one for each session: the next attempt is about a minute away");
  assert.equal(agent.exitCode, null, "it goes on trying");
  const log = readFileSync(join(dockerd.dir, "agent.log"), "utf8");
  assert.equal(log.match(/this container instance was deregistered/g)?.length, 1);
  assert.deepEqual(ecs.problems, []);
});

test("an agent that starts on a deregistered instance empties its host, says how to join again, and ends for good", async () => {
  await killAgent();
  ecs.inactive = false;
  await startAgent();
  const it = task([shell("trap 'exit 7' TERM; while :; do sleep 0.1; done")]);
  ecs.payload(it);
  await ecs.until(it.arn, "RUNNING");
  await killAgent();
  ecs.inactive = true;
  spawnAgent();
  const ended = new Promise<number | null>((resolve) => agent.once("exit", resolve));
  assert.equal((await ecs.until(it.arn, "STOPPED")).containers[0]!.exitCode, 7);
  assert.equal(await ended, 5);
  assert.deepEqual(containersOf(it.arn), []);
  assert.match(
    readFileSync(join(dockerd.dir, "agent.log"), "utf8"),
    /deregistered; remove the agent's state directory/,
  );
  assert.deepEqual(ecs.problems, []);
});
