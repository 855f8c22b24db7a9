import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import type { RegisteredDefinition } from "../../../model/task-definition.ts";
import { nameOf } from "../../refused-member.ts";
import { refusalOfTaskDefinition, TASK_DEFINITION_REFUSED } from "./launch-refusals.ts";

const definition = (given: Partial<RegisteredDefinition> = {}, container: ContainerDefinition = {}) => ({
  family: "web",
  containerDefinitions: [
    { name: "app", image: "nginx", ...container },
    { name: "side", image: "busybox" },
  ],
  volumes: [],
  placementConstraints: [],
  ...given,
});

test("a definition that asks for what is carried out is not refused", () => {
  const carriedOut = definition(
    {
      networkMode: "host",
      pidMode: "host",
      cpu: "256",
      runtimePlatform: { cpuArchitecture: "X86_64", operatingSystemFamily: "LINUX" },
      volumes: [
        { name: "v", host: { sourcePath: "/x" } },
        { name: "w", dockerVolumeConfiguration: {} },
      ],
    },
    {
      secrets: [],
      logConfiguration: { logDriver: "json-file", secretOptions: [] },
      versionConsistency: "enabled",
      resourceRequirements: [],
    },
  );
  assert.equal(refusalOfTaskDefinition(carriedOut, ["EC2"]), undefined);
});

/** For each row of the table, something that asks for it. */
const ASKING: Record<string, RegisteredDefinition> = {
  "networkMode awsvpc": definition({ networkMode: "awsvpc" }),
  taskRoleArn: definition({ taskRoleArn: "arn:aws:iam::000000000000:role/x" }),
  executionRoleArn: definition({ executionRoleArn: "arn:aws:iam::000000000000:role/x" }),
  "runtimePlatform.operatingSystemFamily other than LINUX": definition({
    runtimePlatform: { operatingSystemFamily: "WINDOWS_SERVER_2022_CORE" },
  }),
  "pidMode task": definition({ pidMode: "task" }),
  "ipcMode task": definition({ ipcMode: "task" }),
  "placementConstraints[].expression that cannot be read": definition({
    placementConstraints: [{ type: "memberOf", expression: "x" }],
  }),
  proxyConfiguration: definition({ proxyConfiguration: { containerName: "app" } }),
  inferenceAccelerators: definition({ inferenceAccelerators: [{ deviceName: "d", deviceType: "t" }] }),
  ephemeralStorage: definition({ ephemeralStorage: { sizeInGiB: 21 } }),
  "enableFaultInjection true": definition({ enableFaultInjection: true }),
  "volumes[].efsVolumeConfiguration": definition({
    volumes: [{ name: "v", efsVolumeConfiguration: { fileSystemId: "fs-1" } }],
  }),
  "volumes[].s3filesVolumeConfiguration": definition({
    volumes: [{ name: "v", s3filesVolumeConfiguration: { fileSystemArn: "arn" } }],
  }),
  "volumes[].fsxWindowsFileServerVolumeConfiguration": definition({
    volumes: [
      {
        name: "v",
        fsxWindowsFileServerVolumeConfiguration: {
          fileSystemId: "fs-1",
          rootDirectory: "x",
          authorizationConfig: { credentialsParameter: "c", domain: "d" },
        },
      },
    ],
  }),
  "volumes[].configuredAtLaunch true": definition({ volumes: [{ name: "v", configuredAtLaunch: true }] }),
  "containerDefinitions[].secrets": definition({}, { secrets: [{ name: "S", valueFrom: "p" }] }),
  "containerDefinitions[].environmentFiles": definition({}, { environmentFiles: [{ value: "v", type: "s3" }] }),
  "containerDefinitions[].repositoryCredentials": definition(
    {},
    { repositoryCredentials: { credentialsParameter: "c" } },
  ),
  "containerDefinitions[].firelensConfiguration": definition({}, { firelensConfiguration: { type: "fluentbit" } }),
  "containerDefinitions[].logConfiguration.logDriver awslogs and awsfirelens": definition(
    {},
    { logConfiguration: { logDriver: "awslogs" } },
  ),
  "containerDefinitions[].logConfiguration.secretOptions": definition(
    {},
    { logConfiguration: { logDriver: "splunk", secretOptions: [{ name: "S", valueFrom: "p" }] } },
  ),
  "containerDefinitions[].resourceRequirements[].type other than GPU": definition(
    {},
    { resourceRequirements: [{ type: "InferenceAccelerator", value: "d" }] },
  ),
  "containerDefinitions[].credentialSpecs": definition({}, { credentialSpecs: ["credentialspec:x"] }),
  "containerDefinitions[].dockerSecurityOptions[] credentialspec:…": definition(
    {},
    { dockerSecurityOptions: ["credentialspec:x"] },
  ),
};

test("each thing that is not carried out is refused by its name, and by the container that asks for it", () => {
  assert.deepEqual(Object.keys(ASKING).sort(), TASK_DEFINITION_REFUSED.map(nameOf).sort());
  for (const [name, asking] of Object.entries(ASKING)) {
    const refusal = refusalOfTaskDefinition(asking, ["EC2"]) ?? "";
    const container = name.startsWith("containerDefinitions") ? " (container 'app')" : "";
    assert.ok(
      refusal.startsWith(`Berth does not carry out ${name} of the task definition${container}.`),
      `${name}: ${refusal}`,
    );
  }
});
