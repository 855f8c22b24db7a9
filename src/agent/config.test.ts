import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentConfig, parseAgentConfig } from "./config.ts";
import { parseDuration } from "./duration.ts";
import { AgentUsageError } from "./usage-error.ts";

const ENDPOINT = ["--endpoint", "http://127.0.0.1:7070"];

function config(args: readonly string[], env: NodeJS.ProcessEnv = {}): AgentConfig {
  const parsed = parseAgentConfig(args, env);
  if (parsed === "help") assert.fail("asked for help");
  return parsed;
}

test("with an endpoint alone, everything else has ECS's defaults", () => {
  const it = config(ENDPOINT, { BERTH_DATA_DIR: "/d" });
  assert.equal(it.endpoint.href, "http://127.0.0.1:7070/");
  assert.deepEqual(it.dockerHost, { kind: "socket", path: "/var/run/docker.sock" });
  assert.deepEqual(
    [
      it.cluster,
      it.stateDir,
      it.region,
      it.availabilityZone,
      it.pullBehaviour,
      it.stopTimeoutSeconds,
      it.cleanupWaitMs,
    ],
    [undefined, "/d/agent", "us-east-1", "us-east-1a", "default", 30, 10_800_000],
  );
  assert.deepEqual([it.cgroupParent, it.taskLimits], ["/ecs", undefined]);
  assert.deepEqual(it.reservedPorts, [22, 2375, 2376, 51678, 51679]);
  assert.deepEqual(it.loggingDrivers, ["json-file", "none"]);
});

test("the official agent's names are read from the environment, and a flag wins over them", () => {
  const env = {
    ECS_BACKEND_HOST: "berth.test",
    ECS_CLUSTER: "blue",
    ECS_DATADIR: "/data",
    DOCKER_HOST: "tcp://d:1",
    AWS_DEFAULT_REGION: "eu-west-1",
    ECS_INSTANCE_ATTRIBUTES: '{"rack":"7","ecs.availability-zone":"z"}',
    ECS_CONTAINER_INSTANCE_TAGS: '{"k":"v"}',
    ECS_RESERVED_MEMORY: "64",
    ECS_RESERVED_PORTS: "[80]",
    ECS_IMAGE_PULL_BEHAVIOR: "once",
    ECS_CONTAINER_STOP_TIMEOUT: "1m30s",
    ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "10m",
    ECS_ENABLE_CONTAINER_METADATA: "true",
    ECS_CGROUP_PARENT: "/berth/a/ecs",
    ECS_ENABLE_TASK_CPU_MEM_LIMIT: "false",
    ECS_AVAILABLE_LOGGING_DRIVERS: '["syslog"]',
  };
  const it = config(["--cluster", "green"], env);
  assert.equal(it.endpoint.href, "https://berth.test/", "a bare host means https");
  assert.deepEqual([it.cluster, it.stateDir, it.region, it.availabilityZone], ["green", "/data", "eu-west-1", "z"]);
  assert.deepEqual([it.attributes, it.tags], [{ rack: "7" }, { k: "v" }]);
  assert.deepEqual([it.reservedMemoryMiB, it.reservedPorts, it.pullBehaviour], [64, [80], "once"]);
  assert.deepEqual([it.stopTimeoutSeconds, it.cleanupWaitMs, it.containerMetadata], [90, 600_000, true]);
  assert.deepEqual([it.cgroupParent, it.taskLimits], ["/berth/a/ecs", false]);
  assert.deepEqual([it.loggingDrivers, it.dockerHost], [["syslog"], { kind: "tcp", host: "d", port: 1 }]);
});

test("--host-group is the attribute berth.host-group, whatever the attributes say", () => {
  const env = { ECS_INSTANCE_ATTRIBUTES: '{"rack":"7","berth.host-group":"x"}' };
  const it = config([...ENDPOINT, "--host-group", "fast hosts"], env);
  assert.deepEqual(it.attributes, { rack: "7", "berth.host-group": "fast hosts" });
});

const wrong: readonly [args: readonly string[], env: NodeJS.ProcessEnv, message: RegExp][] = [
  [[...ENDPOINT], { ECS_ENABLE_TASK_CPU_MEM_LIMIT: "maybe" }, /ECS_ENABLE_TASK_CPU_MEM_LIMIT is "maybe"/],
  [[], {}, /no control plane/],
  [["--endpoint", "ftp://x"], {}, /--endpoint \(ECS_BACKEND_HOST\) is "ftp:/],
  [["--no-such-flag"], {}, /no-such-flag/],
  [["stray", ...ENDPOINT], {}, /stray/],
  [[...ENDPOINT, "--docker-host", "x"], {}, /--docker-host \(DOCKER_HOST\)/],
  [[...ENDPOINT, "--host-group", "a:b"], {}, /--host-group is "a:b"/],
  [[...ENDPOINT, "--attributes", "a=b"], {}, /--attributes is "a=b", which is not JSON/],
  [[...ENDPOINT, "--log-level", "loud"], {}, /--log-level .*debug, info/],
  [ENDPOINT, { ECS_INSTANCE_ATTRIBUTES: '{"a b":"c"}' }, /attribute "a b"/],
  [ENDPOINT, { ECS_RESERVED_PORTS: "[0]" }, /ECS_RESERVED_PORTS/],
  [ENDPOINT, { ECS_RESERVED_MEMORY: "-1" }, /ECS_RESERVED_MEMORY/],
  [ENDPOINT, { ECS_IMAGE_PULL_BEHAVIOR: "never" }, /default, always, once, prefer-cached/],
  [ENDPOINT, { ECS_CONTAINER_STOP_TIMEOUT: "100ms" }, /at least 1s/],
  [ENDPOINT, { ECS_CONTAINER_STOP_TIMEOUT: "30" }, /ECS_CONTAINER_STOP_TIMEOUT is "30"/],
  [ENDPOINT, { ECS_AVAILABLE_LOGGING_DRIVERS: '["awsfirelens"]' }, /ECS_AVAILABLE_LOGGING_DRIVERS/],
  [ENDPOINT, { DOCKER_TLS_VERIFY: "1" }, /DOCKER_TLS_VERIFY/],
  [
    ENDPOINT,
    { ECS_ENABLE_TASK_IAM_ROLE: "true", ECS_NVIDIA_RUNTIME: "x" },
    /does not support ECS_ENABLE_TASK_IAM_ROLE, ECS_NVIDIA_RUNTIME/,
  ],
];
for (const [args, env, message] of wrong)
  test(`${[...args, ...Object.entries(env).map((it) => it.join("="))].join(" ") || "nothing"} is a usage error that says why`, () => {
    assert.throws(
      () => parseAgentConfig(args, env),
      (error) => error instanceof AgentUsageError && message.test(error.message),
    );
  });

test("settings that ask for nothing, and those a container is given, are no error; --help needs nothing else", () => {
  config(ENDPOINT, { ECS_ENABLE_TASK_ENI: "false", ECS_CHECKPOINT: "true", ECS_CONTAINER_METADATA_URI_V4: "http://x" });
  assert.equal(parseAgentConfig(["--help"], {}), "help");
});

test("durations are read as Go writes them", () => {
  assert.deepEqual(["30s", "1h30m", "500ms", "1.5s", "3h", "", "10", "5x", "-1s"].map(parseDuration), [
    30_000,
    5_400_000,
    500,
    1_500,
    10_800_000,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("the parent of the tasks' control groups is an absolute path of ordinary names", () => {
  for (const path of ["/ecs", "/berth/host-1/ecs"])
    assert.equal(config([...ENDPOINT, "--cgroup-parent", path]).cgroupParent, path);
  for (const path of ["ecs", "/", "/a/../b", "/ecs/", "/ecs.slice", "/a b"])
    assert.throws(() => config([...ENDPOINT, "--cgroup-parent", path]), /must be the path of a control group/);
});
