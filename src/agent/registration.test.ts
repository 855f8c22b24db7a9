import assert from "node:assert/strict";
import { test } from "node:test";
import type { RegisterContainerInstanceRequest } from "@aws-sdk/client-ecs";
import { silentLog } from "../runtime/log.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { seededRandom } from "../runtime/random.ts";
import { capabilityAttributes } from "./capabilities.ts";
import { type EcsApi, EcsCallError } from "./ecs-api.ts";
import { AgentExit } from "./exit-code.ts";
import { type HostOffer, register } from "./registration.ts";
import { memoryState } from "./testing/memory-state.ts";

const offer: HostOffer = {
  cpus: 2,
  memoryMiB: 1024,
  reservedPorts: [22],
  reservedPortsUdp: [],
  privateIp: "10.0.0.1",
  instanceType: "berth.2x1",
  availabilityZone: "r-1a",
  region: "r-1",
  architecture: "x86_64",
  capabilities: [{ name: "ecs.os-type", value: "linux" }],
  customAttributes: [{ name: "rack", value: "7" }],
  tags: [],
};

function bench(answers: ((input: RegisterContainerInstanceRequest) => string)[], cluster?: string) {
  const clock = new ManualClock();
  const state = memoryState();
  const calls: RegisterContainerInstanceRequest[] = [];
  const created: string[] = [];
  const api = {
    registerContainerInstance: async (input: RegisterContainerInstanceRequest) => {
      calls.push(input);
      return { arn: (answers.shift() ?? (() => "arn:1"))(input), attributes: input.attributes ?? [] };
    },
    createCluster: async (name: string) => void created.push(name),
  } as unknown as EcsApi;
  const deps = {
    api,
    state,
    clock,
    random: seededRandom(1),
    log: silentLog(),
    cluster,
    signal: new AbortController().signal,
  };
  return { clock, state, calls, created, deps };
}
const failing =
  (code: string, passing = false) =>
  () => {
    throw new EcsCallError(code, code, passing);
  };

test("a host registers under its saved ARN the second time, without custom attributes, as the same instance", async () => {
  const { calls, deps } = bench([() => "arn:first", () => "arn:other"]);
  await register(deps, offer);
  assert.equal((await register(deps, offer)).containerInstanceArn, "arn:first");
  const documents = calls.map((it) => JSON.parse(it.instanceIdentityDocument ?? ""));
  assert.equal(documents[0].instanceId, documents[1].instanceId);
  assert.deepEqual(
    calls.map((it) => [it.containerInstanceArn, it.attributes?.some((a) => a.name === "rack")]),
    [
      [undefined, true],
      ["arn:first", false],
    ],
  );
});

test("the default cluster is made if it is not there, a named one is not", async () => {
  const unnamed = bench([failing("ClusterNotFoundException")]);
  await register(unnamed.deps, offer);
  assert.deepEqual([unnamed.created, unnamed.calls.length], [["default"], 2]);
  const named = bench([failing("ClusterNotFoundException")], "blue");
  await assert.rejects(register(named.deps, offer), (error) => error instanceof AgentExit && error.exitCode === 1);
});

for (const [code, exitCode] of [
  ["InvalidParameterException", 5],
  ["ClientException", 5],
  ["AccessDeniedException", 1],
] as const)
  test(`registration refused with ${code} ends the agent with ${exitCode}`, async () => {
    const { deps } = bench([failing(code)]);
    await assert.rejects(register(deps, offer), (error) => error instanceof AgentExit && error.exitCode === exitCode);
  });

test("an agent does not move to another cluster", async () => {
  const { deps } = bench([]);
  await register(deps, offer);
  await assert.rejects(
    register({ ...deps, cluster: "blue" }, offer),
    (error) => error instanceof AgentExit && error.exitCode === 5,
  );
});

test("registration waits for a control plane that is away", async () => {
  const { deps, calls, clock } = bench([
    failing("Unreachable", true),
    failing("ServerException", true),
    failing("ThrottlingException", true),
  ]);
  const done = register(deps, offer);
  for (let step = 0; step < 20; step++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    clock.advance(1_000);
  }
  await done;
  assert.equal(calls.length, 4);
});

test("only what is carried out is advertised, and API versions as far as the daemon speaks them", () => {
  const names = capabilityAttributes({
    apiVersion: "1.24",
    volumeDrivers: ["local"],
    loggingDrivers: ["syslog"],
    architecture: "x64",
    taskLimits: false,
  }).map((it) => it.name);
  assert.ok(names.includes("com.amazonaws.ecs.capability.docker-remote-api.1.24"));
  assert.ok(!names.includes("com.amazonaws.ecs.capability.docker-remote-api.1.25"));
  assert.ok(
    names.includes("ecs.capability.docker-plugin.local") &&
      names.includes("com.amazonaws.ecs.capability.logging-driver.syslog"),
  );
  for (const absent of [
    "task-iam-role",
    "task-eni",
    "task-cpu-mem-limit",
    "efs",
    "secrets",
    "firelens",
    "env-files",
    "execute-command",
    "ecr-auth",
  ])
    assert.ok(!names.some((name) => name?.includes(absent)), absent);
});
