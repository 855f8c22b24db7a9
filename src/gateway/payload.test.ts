import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerDefinition, ContainerOverride, TaskDefinition } from "@aws-sdk/client-ecs";
import { seededRandom } from "../runtime/random.ts";
import { newTask } from "../state/index.ts";
import { taskPayload } from "./payload.ts";
import { CLUSTER, DEFINITION, INSTANCE } from "./testing.ts";

function payload(definition: Partial<TaskDefinition>, containerOverrides: ContainerOverride[] = []) {
  const record = { ...DEFINITION, definition: { ...DEFINITION.definition, ...definition } };
  const order = { clusterArn: CLUSTER, definition: record, instance: INSTANCE, group: "g", tags: {} };
  const task = newTask({ ...order, overrides: { containerOverrides } }, { now: 0, random: seededRandom(1) });
  assert.equal(JSON.stringify(taskPayload(task, record)), JSON.stringify(taskPayload(task, record)));
  return taskPayload(task, record);
}

function container(given: ContainerDefinition, override?: ContainerOverride) {
  const one = payload(
    { containerDefinitions: [{ name: "web", image: "web", ...given }] },
    override === undefined ? [] : [override],
  ).containers[0]!;
  return { ...one, config: JSON.parse(one.dockerConfig.config), hostConfig: JSON.parse(one.dockerConfig.hostConfig) };
}

test("a task's size is sent as vCPU and MiB, its version as text", () => {
  const { cpu, memory, family, version, desiredStatus } = payload({ cpu: "512", memory: "1024" });
  assert.deepEqual(
    { cpu, memory, family, version, desiredStatus },
    {
      cpu: 0.5,
      memory: 1024,
      family: "web",
      version: "1",
      desiredStatus: "RUNNING",
    },
  );
});

test("[DP38] a container whose image is pinned is sent it by its digest", () => {
  const digest = `sha256:${"0a".repeat(32)}`;
  const record = {
    ...DEFINITION,
    definition: {
      ...DEFINITION.definition,
      containerDefinitions: ["web", "log"].map((name) => ({ name, image: `r.test:5000/${name}:1` })),
    },
  };
  const order = { clusterArn: CLUSTER, definition: record, instance: INSTANCE, group: "g", tags: {} };
  const task = newTask({ ...order, imageDigests: new Map([["web", digest]]) }, { now: 0, random: seededRandom(1) });
  assert.deepEqual(
    taskPayload(task, record).containers.map((c) => c.image),
    [`r.test:5000/web@${digest}`, "r.test:5000/log:1"],
  );
  assert.deepEqual(
    task.containers.map((c) => c.image),
    ["r.test:5000/web:1", "r.test:5000/log:1"],
    "people see it as the task definition names it",
  );
});

test("[PL15] the GPUs that containers were given are associations", () => {
  const gpu = { resourceRequirements: [{ type: "GPU" as const, value: "1" }] };
  const record = {
    ...DEFINITION,
    definition: { ...DEFINITION.definition, containerDefinitions: [{ name: "web" }, { name: "cuda", ...gpu }] },
  };
  const registered = { ...INSTANCE.registered, gpus: ["g0", "g1"] };
  const instance = { ...INSTANCE, registered, used: { ...INSTANCE.used, gpus: ["g0"] } };
  const order = { clusterArn: CLUSTER, definition: record, instance, group: "g", tags: {} };
  const task = newTask(order, { now: 0, random: seededRandom(1) });
  assert.deepEqual(taskPayload(task, record).associations, [
    { name: "g1", type: "gpu", content: { encoding: "identity", value: "g1" }, containers: ["cuda"] },
  ]);
  assert.equal("associations" in payload({}), false);
});

test("the environment is a map in which the call's values win", () => {
  const environment = [
    { name: "A", value: "1" },
    { name: "B", value: "2" },
  ];
  const made = container(
    { environment },
    {
      name: "web",
      environment: [
        { name: "B", value: "3" },
        { name: "__proto__", value: "x" },
      ],
    },
  );
  assert.deepEqual(Object.entries(made.environment), [
    ["AWS_EXECUTION_ENV", "AWS_ECS_EC2"],
    ["A", "1"],
    ["B", "3"],
    ["__proto__", "x"],
  ]);
});

test("overrides of command, cpu and memory replace the definition's", () => {
  const made = container(
    { command: ["a"], cpu: 10, memory: 100, memoryReservation: 50 },
    { name: "web", command: ["b"], cpu: 20, memory: 200, memoryReservation: 150 },
  );
  assert.deepEqual(
    [made.command, made.cpu, made.memory, made.hostConfig.MemoryReservation],
    [["b"], 20, 200, 150 * 1024 * 1024],
  );
});

test("a container without a hard limit has none, and its reservation is in bytes", () => {
  const made = container({ memoryReservation: 64 });
  assert.deepEqual([made.memory, made.hostConfig.MemoryReservation], [0, 67_108_864]);
});

test("the network mode is in every container's hostConfig, bridge if none is given", () => {
  assert.equal(container({}).hostConfig.NetworkMode, "bridge");
  const host = payload({ networkMode: "host" });
  assert.deepEqual(
    [host.networkMode, JSON.parse(host.containers[0]!.dockerConfig.hostConfig).NetworkMode],
    ["host", "host"],
  );
});

test("ports are dynamic without a host port; any protocol but udp is tcp", () => {
  const { portMappings } = container({
    portMappings: [
      { containerPort: 80 },
      { containerPort: 53, hostPort: 53, protocol: "udp" },
      { containerPortRange: "8000-8010" },
    ],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(portMappings)), [
    { containerPort: 80, hostPort: 0, protocol: "tcp" },
    { containerPort: 53, hostPort: 53, protocol: "udp" },
    { containerPortRange: "8000-8010", protocol: "tcp" },
  ]);
});

test("a health check is in nanoseconds with ECS's defaults, and is announced", () => {
  const made = container({ healthCheck: { command: ["CMD-SHELL", "true"], startPeriod: 1 } });
  assert.equal(made.healthCheckType, "docker");
  assert.deepEqual(made.config.Healthcheck, {
    Test: ["CMD-SHELL", "true"],
    Interval: 30e9,
    Timeout: 5e9,
    Retries: 3,
    StartPeriod: 1e9,
  });
  assert.equal(container({}).healthCheckType, undefined);
});

test("what has no member of its own travels as engine configuration", () => {
  const made = container({
    user: "1000",
    workingDirectory: "/w",
    hostname: "h",
    interactive: true,
    pseudoTerminal: true,
    dockerLabels: { a: "b" },
    logConfiguration: { logDriver: "json-file", options: { "max-size": "1m" } },
    privileged: true,
    readonlyRootFilesystem: true,
    memory: 100,
    linuxParameters: {
      capabilities: { add: ["NET_ADMIN"], drop: ["KILL"] },
      devices: [
        { hostPath: "/dev/null", permissions: ["read"] },
        { hostPath: "/dev/zero", containerPath: "/z" },
      ],
      initProcessEnabled: true,
      sharedMemorySize: 2,
      tmpfs: [{ containerPath: "/t", size: 3, mountOptions: ["noexec"] }],
      maxSwap: 50,
      swappiness: 10,
    },
    ulimits: [{ name: "nofile", softLimit: 1, hardLimit: 2 }],
    extraHosts: [{ hostname: "x", ipAddress: "10.0.0.1" }],
    dnsServers: ["10.0.0.2"],
    dnsSearchDomains: ["d"],
    dockerSecurityOptions: ["no-new-privileges"],
    systemControls: [{ namespace: "net.core.somaxconn", value: "1024" }],
  });
  assert.deepEqual(made.config, {
    User: "1000",
    WorkingDir: "/w",
    Hostname: "h",
    OpenStdin: true,
    Tty: true,
    Labels: { a: "b" },
  });
  assert.deepEqual(made.hostConfig, {
    NetworkMode: "bridge",
    LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
    Privileged: true,
    ReadonlyRootfs: true,
    CapAdd: ["NET_ADMIN"],
    CapDrop: ["KILL"],
    Devices: [
      { PathOnHost: "/dev/null", PathInContainer: "/dev/null", CgroupPermissions: "r" },
      { PathOnHost: "/dev/zero", PathInContainer: "/z", CgroupPermissions: "rwm" },
    ],
    Init: true,
    ShmSize: 2 * 1024 * 1024,
    Tmpfs: { "/t": "noexec,size=3m" },
    MemorySwap: 150 * 1024 * 1024,
    MemorySwappiness: 10,
    Ulimits: [{ Name: "nofile", Soft: 1, Hard: 2 }],
    ExtraHosts: ["x:10.0.0.1"],
    Dns: ["10.0.0.2"],
    DnsSearch: ["d"],
    SecurityOpt: ["no-new-privileges"],
    Sysctls: { "net.core.somaxconn": "1024" },
  });
});

test("volumes of a host and of Docker are sent; one that nobody carries out is an error", () => {
  const { volumes } = payload({
    volumes: [
      { name: "empty" },
      { name: "bind", host: { sourcePath: "/p" } },
      { name: "named", dockerVolumeConfiguration: { scope: "shared", autoprovision: true, driver: "local" } },
    ],
  });
  assert.deepEqual(volumes, [
    { name: "empty", type: "host", host: {} },
    { name: "bind", type: "host", host: { sourcePath: "/p" } },
    {
      name: "named",
      type: "docker",
      dockerVolumeConfiguration: { scope: "shared", autoprovision: true, driver: "local", driverOpts: {}, labels: {} },
    },
  ]);
  assert.throws(
    () => payload({ volumes: [{ name: "e", efsVolumeConfiguration: { fileSystemId: "fs-1" } }] }),
    /volume e/,
  );
});
