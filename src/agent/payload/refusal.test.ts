import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalOf } from "./refusal.ts";
import { readPayloadTask } from "./task-payload.ts";

const ARN = "arn:aws:ecs:us-east-1:1:task/c/1";
const plain = { name: "a", image: "i" };

function refused(task: object, container: object = {}): string | undefined {
  const entry = readPayloadTask({
    arn: ARN,
    desiredStatus: "RUNNING",
    containers: [{ ...plain, ...container }],
    ...task,
  });
  if (entry.kind !== "start") assert.fail(JSON.stringify(entry));
  return refusalOf(entry.task);
}

const unsupported: readonly [what: string, task: object, container: object, reason: RegExp][] = [
  ["awsvpc", { networkMode: "awsvpc" }, {}, /network mode "awsvpc"/],
  ["network interfaces", { elasticNetworkInterfaces: [{ ec2Id: "e" }] }, {}, /elastic network interfaces/],
  ["a task role", { roleCredentials: { roleArn: "r" } }, {}, /roleCredentials/],
  ["GPUs", { associations: [{ name: "0", type: "gpu" }] }, {}, /GPU/],
  ["EBS", { attachments: [{}] }, {}, /EBS/],
  ["fault injection", { enableFaultInjection: true }, {}, /enableFaultInjection/],
  ["pidMode task", { pidMode: "task" }, {}, /pidMode "task"/],
  ["secrets", {}, { secrets: [{ name: "s" }] }, /secrets of container "a"/],
  ["environment files", {}, { environmentFiles: [{}] }, /environmentFiles/],
  ["registry credentials", {}, { registryAuthentication: { type: "ecr" } }, /registryAuthentication/],
  ["FireLens", {}, { firelensConfiguration: { type: "fluentd" } }, /firelensConfiguration/],
  ["awsfirelens", {}, { dockerConfig: { hostConfig: '{"LogConfig":{"Type":"awsfirelens"}}' } }, /awsfirelens/],
  ["exec", {}, { managedAgents: [{ name: "ExecuteCommandAgent" }] }, /execute command/],
  ["EFS", { volumes: [{ name: "v", type: "efs", efsVolumeConfiguration: {} }] }, {}, /volume "v" of type "efs"/],
  ["an attached volume", { volumes: [{ name: "v" }] }, {}, /of type "attachment"/],
];
for (const [what, task, container, reason] of unsupported)
  test(`a task that asks for ${what} is refused by name`, () => {
    const said = refused(task, container) ?? "";
    assert.match(said, reason);
    assert.match(said, /^ResourceInitializationError: this agent does not support /);
  });

const wrong: readonly [what: string, task: object, container: object, reason: RegExp][] = [
  ["a health check type without a check", {}, { healthCheckType: "docker" }, /^DockerClientConfigError: /],
  ["a dockerConfig that is not JSON", {}, { dockerConfig: { config: "{" } }, /^DockerClientConfigError: .*not JSON/],
  ["an override of anything but the command", {}, { overrides: '{"cpu":1}' }, /override "cpu"/],
  [
    "a mount of an unknown volume",
    {},
    { mountPoints: [{ sourceVolume: "x", containerPath: "/x" }] },
    /^InvalidVolumeError: /,
  ],
  [
    "a dependency on an unknown container",
    {},
    { dependsOn: [{ containerName: "x", condition: "START" }] },
    /^TaskDependencyError: .*not in the task/,
  ],
  ["a dependency on itself", {}, { links: ["a:b"] }, /^TaskDependencyError: .*circle/],
];
for (const [what, task, container, reason] of wrong)
  test(`${what} is refused with its error's name`, () => assert.match(refused(task, container) ?? "", reason));

test("what Go writes for absent members asks for nothing", () => {
  const empty = {
    elasticNetworkInterfaces: [],
    roleCredentials: null,
    associations: null,
    attachments: [],
    networkMode: "",
    proxyConfiguration: {},
  };
  assert.equal(refused(empty, { secrets: [], environmentFiles: null, managedAgents: [], links: null }), undefined);
});

test("a payload task of a wrong type is unrecognised but keeps its ARN; one to stop needs nothing else", () => {
  assert.equal(readPayloadTask({ arn: ARN, containers: [{ ...plain, memory: "512" }] }).kind, "unrecognised");
  assert.equal(readPayloadTask({ arn: ARN, desiredStatus: "PENDING", containers: [plain] }).arn, ARN);
  assert.deepEqual(readPayloadTask({ arn: ARN, desiredStatus: "STOPPED", containers: 3 }), { kind: "stop", arn: ARN });
  assert.equal(readPayloadTask(null).kind, "unrecognised");
});

test("limits of a task as a whole are refused with the reason where they cannot hold, and elsewhere for an id that is no name", () => {
  const task = (arn: string) => readPayloadTask({ arn, containers: [plain], memory: 64 });
  const reason = (arn: string, why?: string) => {
    const entry = task(arn);
    return entry.kind === "start" ? refusalOf(entry.task, why) : assert.fail(JSON.stringify(entry));
  };
  assert.match(reason(ARN, "no groups") ?? "", /^ResourceInitializationError: .*task-level cpu and memory.*no groups$/);
  assert.equal(reason(ARN), undefined);
  assert.match(reason("arn:aws:ecs:us-east-1:1:task/c/..") ?? "", /a task whose id is "\.\."/);
});
