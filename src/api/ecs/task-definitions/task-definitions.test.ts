import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerDefinition } from "@aws-sdk/client-ecs";
import type { EcsOperations } from "../../../wire/models/ecs.ts";
import { arrange, refused, TEST_CALL, TEST_START, testContext } from "../testing.ts";
import { deregisterTaskDefinition, describeTaskDefinition, registerTaskDefinition } from "./task-definitions.ts";

type Input = EcsOperations["RegisterTaskDefinition"]["input"];

const CONTAINER: ContainerDefinition = { name: "app", image: "nginx:1.27", memory: 128 };
const definition = (given: Partial<Input> = {}, container: ContainerDefinition = {}): Input => ({
  family: "web",
  containerDefinitions: [{ ...CONTAINER, ...container }],
  ...given,
});
const two = (second: ContainerDefinition, first: ContainerDefinition = {}): Partial<Input> => ({
  containerDefinitions: [
    { ...CONTAINER, ...first },
    { name: "side", image: "busybox", memory: 64, ...second },
  ],
});
const FARGATE: Partial<Input> = {
  requiresCompatibilities: ["FARGATE"],
  networkMode: "awsvpc",
  cpu: "256",
  memory: "512",
};

test("a registered definition is answered with ECS's defaults filled in", async () => {
  const context = await testContext();
  const input = definition(
    { tags: [{ key: "team", value: "a" }] },
    { portMappings: [{ containerPort: 80 }], healthCheck: { command: ["CMD", "true"], retries: 5 } },
  );
  const answer = await registerTaskDefinition(context, input, TEST_CALL);
  assert.deepEqual(answer, {
    taskDefinition: {
      taskDefinitionArn: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1",
      family: "web",
      revision: 1,
      status: "ACTIVE",
      containerDefinitions: [
        {
          name: "app",
          image: "nginx:1.27",
          cpu: 0,
          memory: 128,
          essential: true,
          portMappings: [{ containerPort: 80, hostPort: 0, protocol: "tcp" }],
          environment: [],
          mountPoints: [],
          volumesFrom: [],
          systemControls: [],
          healthCheck: { command: ["CMD", "true"], interval: 30, timeout: 5, retries: 5 },
        },
      ],
      volumes: [],
      placementConstraints: [],
      requiresAttributes: [
        { name: "com.amazonaws.ecs.capability.docker-remote-api.1.24" },
        { name: "ecs.capability.container-health-check" },
      ],
      compatibilities: ["EC2", "EXTERNAL"],
      registeredAt: new Date(TEST_START),
      registeredBy: "arn:aws:iam::000000000000:root",
    },
    tags: [{ key: "team", value: "a" }],
  });
});

test("sizes are read in each of their forms and kept as units and MiB", async () => {
  const context = await testContext();
  for (const [cpu, memory, stored] of [
    ["256", "512", ["256", "512"]],
    ["1 vCPU", "2GB", ["1024", "2048"]],
    [".5 vcpu", "1 GB", ["512", "1024"]],
    ["0.25vCPU", "0.5GB", ["256", "512"]],
  ] as const) {
    const { taskDefinition } = await registerTaskDefinition(context, definition({ cpu, memory }), TEST_CALL);
    assert.deepEqual([taskDefinition?.cpu, taskDefinition?.memory], stored);
  }
  const wrong = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";
  for (const cpu of ["127", "196609", "1.5", "-1", "one", "1 GB", "1e3", "0.0001 vCPU"]) {
    const register = () => registerTaskDefinition(context, definition({ cpu }), TEST_CALL);
    await refused(register, "ClientException", `Invalid 'cpu' setting for task. ${wrong}`);
  }
  for (const memory of ["5", "1 vCPU", "many", "99999999999"]) {
    const register = () => registerTaskDefinition(context, definition({ memory }), TEST_CALL);
    await refused(register, "ClientException", `Invalid 'memory' setting for task. ${wrong}`);
  }
});

test("host ports are filled in as the network mode has them", async () => {
  const context = await testContext();
  for (const [networkMode, given, hostPort] of [
    [undefined, {}, 0],
    ["bridge", { hostPort: 8080 }, 8080],
    ["host", {}, 80],
    ["awsvpc", { hostPort: 0 }, 80],
    ["awsvpc", { hostPort: 80 }, 80],
  ] as const) {
    const input = definition({ networkMode }, { portMappings: [{ containerPort: 80, ...given }] });
    const { taskDefinition } = await registerTaskDefinition(context, input, TEST_CALL);
    assert.equal(taskDefinition?.containerDefinitions?.[0]?.portMappings?.[0]?.hostPort, hostPort);
  }
});

/** What is registered, and the ClientException's message. */
const REFUSED: [Input, string | RegExp][] = [
  [definition({ family: "no spaces" }), "Family contains invalid characters."],
  [definition({ family: "x".repeat(256) }), "Family contains invalid characters."],
  [definition({ containerDefinitions: [] }), "Container definitions should not be empty."],
  [
    definition({ containerDefinitions: Array.from({ length: 11 }, (_, i) => ({ ...CONTAINER, name: `c${i}` })) }),
    "Too many containers.",
  ],
  [definition({}, { name: undefined }), "Container.name should not be null or empty."],
  [definition({}, { name: "a b" }), "Container.name contains invalid characters."],
  [definition({}, { image: "" }), "Container.image should not be null or empty."],
  [definition({}, { image: "$IMAGE:latest" }), "Container.image contains invalid characters."],
  [definition({}, { image: "nginx@sha256:12" }), /digest/],
  [definition(two({ name: "app" })), /'app' is used more than once/],
  [definition({}, { essential: false }), /must be essential/],
  [
    definition({}, { memory: undefined }),
    "Invalid setting for container 'app'. At least one of 'memory' or 'memoryReservation' must be specified.",
  ],
  [definition({}, { memory: 5 }), /at least 6 MiB/],
  [definition({}, { memory: 64, memoryReservation: 128 }), /must not be greater than 'memory'/],
  [definition({}, { cpu: -1 }), "Invalid 'cpu' setting for container 'app'."],
  [definition({ memory: "100" }), "The 'memory' setting for container 'app' is greater than for the task."],
  [
    definition({ cpu: "256", ...two({ cpu: 100 }, { cpu: 200 }) }),
    "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
  ],
  [definition({ memory: "150", ...two({}) }), /^The sum of all container 'memory' values/],
  [definition({}, { dependsOn: [{ containerName: "no", condition: "START" }] }), /'no' because it does not exist/],
  [
    definition(two({ dependsOn: [{ containerName: "app", condition: "SUCCESS" }] })),
    "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
  ],
  [definition(two({ dependsOn: [{ containerName: "app", condition: "HEALTHY" }] })), /which has no healthCheck/],
  [
    definition(
      two(
        { dependsOn: [{ containerName: "app", condition: "START" }] },
        { dependsOn: [{ containerName: "side", condition: "START" }] },
      ),
    ),
    "Container dependencies should not have a cycle",
  ],
  [definition(two({ links: ["app"] }, { links: ["side:s"] })), "Container links should not have a cycle"],
  [
    definition({
      containerDefinitions: [
        { ...CONTAINER, name: "free" },
        { ...CONTAINER, name: "a", volumesFrom: [{ sourceContainer: "b" }] },
        { ...CONTAINER, name: "b", dependsOn: [{ containerName: "a", condition: "START" }] },
      ],
    }),
    "Container dependencies should not have a cycle",
  ],
  [
    definition({ networkMode: "awsvpc", ...two({ links: ["app"] }) }),
    "Links are not supported when networkMode=awsvpc.",
  ],
  [definition({}, { links: ["no"] }), "Unknown link container 'no'."],
  [definition({}, { volumesFrom: [{ sourceContainer: "no" }] }), "Unknown volumesFrom container 'no'."],
  [definition({}, { mountPoints: [{ sourceVolume: "no", containerPath: "/x" }] }), "Unknown volume 'no'."],
  [definition({}, { mountPoints: [{ containerPath: "/x" }] }), "Unknown volume 'null'."],
  [definition({ volumes: [{ name: "v", host: { sourcePath: "" } }] }), "host.sourcePath should not be blank."],
  [definition({ volumes: [{}] }), "Volume.name should not be null or empty."],
  [definition({ volumes: [{ name: "v" }, { name: "v" }] }), /'v' is used more than once/],
  [definition({ volumes: [{ name: "v", host: {}, dockerVolumeConfiguration: {} }] }), /just one configuration/],
  [definition({ volumes: [{ name: "v", dockerVolumeConfiguration: { autoprovision: true } }] }), /scope is shared/],
  [
    definition({
      volumes: [
        { name: "v", efsVolumeConfiguration: { fileSystemId: "fs-1", authorizationConfig: { iam: "ENABLED" } } },
      ],
    }),
    /transit encryption must be enabled/,
  ],
  [definition({}, { portMappings: [{ hostPort: 80 }] }), "Invalid 'containerPort' setting for container 'app'."],
  [
    definition({}, { portMappings: [{ containerPort: 1, hostPort: 65_536 }] }),
    "Invalid 'hostPort' setting for container 'app'.",
  ],
  [
    definition({ networkMode: "awsvpc" }, { portMappings: [{ containerPort: 80, hostPort: 81 }] }),
    "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
  ],
  [
    definition({ networkMode: "host" }, { portMappings: [{ containerPort: 80, hostPort: 81 }] }),
    "When networkMode=host, the host ports and container ports in port mappings must match.",
  ],
  [
    definition({ networkMode: "none" }, { portMappings: [{ containerPort: 80 }] }),
    "Port mappings are not supported when networkMode=none.",
  ],
  [
    definition({}, { portMappings: [{ containerPort: 80 }, { containerPort: 80, protocol: "udp" }] }),
    /more than one protocol/,
  ],
  [
    definition({}, { portMappings: [80, 81].map((containerPort) => ({ containerPort, hostPort: 8080 })) }),
    /8080\/tcp is used by more than one/,
  ],
  [definition({}, { portMappings: [{ containerPort: 80, name: "-web" }] }), /Invalid port mapping name/],
  [definition({}, { portMappings: [{ containerPortRange: "20-10" }] }), /Invalid 'containerPortRange'/],
  [
    definition({}, { portMappings: [{ containerPortRange: "10-20" }, { containerPortRange: "20-30" }] }),
    /must not overlap/,
  ],
  [definition({ networkMode: "host" }, { portMappings: [{ containerPortRange: "10-20" }] }), /networkMode=host/],
  [definition({ networkMode: "awsvpc" }, { hostname: "h" }), /^hostname is not supported on container when/],
  [definition({}, { healthCheck: { command: ["curl", "x"] } }), /must begin with CMD or CMD-SHELL/],
  [definition({}, { healthCheck: { command: ["CMD", "x"], interval: 4 } }), /between 5 and 300/],
  [definition({}, { healthCheck: { command: ["CMD", "x"], startPeriod: 301 } }), /between 0 and 300/],
  [definition({}, { restartPolicy: { enabled: true, restartAttemptPeriod: 59 } }), /between 60 and 1800/],
  [definition({}, { linuxParameters: { swappiness: 101 } }), /between 0 and 100/],
  [definition({}, { ulimits: [{ name: "nofile", softLimit: 2, hardLimit: 1 }] }), /greater than its hard limit/],
  [
    definition({}, { secrets: [{ name: "S", valueFrom: "p" }] }),
    "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
  ],
  [
    definition(
      { executionRoleArn: "arn:aws:iam::000000000000:role/x" },
      { secrets: [{ name: "S", valueFrom: "p" }], environment: [{ name: "S", value: "v" }] },
    ),
    /^The secret name must be unique and not shared with any new or existing environment variables/,
  ],
  [
    definition({}, { logConfiguration: { logDriver: "awslogs", options: { "awslogs-group": "g" } } }),
    "Log driver awslogs requires options: awslogs-region, awslogs-group",
  ],
  [
    definition({}, { firelensConfiguration: { type: "fluentbit" } }),
    "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver",
  ],
  [definition({ proxyConfiguration: { containerName: "envoy" } }), "Proxy container [envoy] does not exist"],
  [definition({ placementConstraints: Array(11).fill({ type: "memberOf", expression: "x" }) }), /at most 10/],
  [
    definition({ placementConstraints: [{ type: "memberOf", expression: "attribute:a = b" }] }),
    /^The expression 'attribute:a = b' of the memberOf placement constraint is invalid at position 13: expected an operator/,
  ],
  [definition({ ephemeralStorage: { sizeInGiB: 20 } }), /between 21 and 200/],
  [
    definition({}, { environment: [{ name: "A", value: "x".repeat(70_000) }] }),
    /^Actual length: '\d+'\. Max allowed length is '65536' bytes\.$/,
  ],
  [definition({ tags: [] }), "Tags can not be empty."],
  // With FARGATE required.
  [definition({ ...FARGATE, networkMode: "bridge" }), "Fargate only supports network mode ‘awsvpc’."],
  [definition({ ...FARGATE, cpu: undefined }), "Fargate requires that 'cpu' be defined at the task level."],
  [definition({ ...FARGATE, memory: undefined }), "Fargate requires that 'memory' be defined at the task level."],
  [definition({ ...FARGATE, memory: "4096" }), "No Fargate configuration exists for given values."],
  [
    definition(FARGATE, { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1" }),
    "Fargate requires task definition to have execution role ARN to support ECR images.",
  ],
  [definition(FARGATE, { privileged: true }), /do not support privileged/],
  [definition(FARGATE, { stopTimeout: 121 }), /stop timeout of less than 120 seconds/],
  [definition(FARGATE, { logConfiguration: { logDriver: "json-file" } }), /log driver 'json-file'/],
  [
    definition({ ...FARGATE, pidMode: "host" }),
    "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value for pidMode is 'task'.",
  ],
  [
    definition({ ...FARGATE, placementConstraints: [{ type: "memberOf", expression: "attribute:a exists" }] }),
    "Fargate does not support task placement constraints.",
  ],
  [
    definition({ ...FARGATE, volumes: [{ name: "v", host: { sourcePath: "/x" } }] }),
    "host.sourcePath should not be set for volumes in Fargate.",
  ],
  [definition({ requiresCompatibilities: ["EXTERNAL"], networkMode: "awsvpc" }), /External launch type do not support/],
];

test("what ECS does not accept is refused in its words and takes no revision number", async () => {
  const context = await testContext();
  for (const [input, message] of REFUSED) {
    await refused(() => registerTaskDefinition(context, input, TEST_CALL), "ClientException", message);
  }
  assert.equal(context.store.view.taskDefinitions.size, 0);
  const { taskDefinition } = await registerTaskDefinition(context, definition(), TEST_CALL);
  assert.equal(taskDefinition?.revision, 1);
});

test("what ECS accepts and Berth does not run is registered all the same", async () => {
  const context = await testContext();
  const roleArn = "arn:aws:iam::000000000000:role/x";
  const input = definition(
    { ...FARGATE, taskRoleArn: roleArn, executionRoleArn: roleArn, ephemeralStorage: { sizeInGiB: 21 } },
    {
      secrets: [{ name: "S", valueFrom: "arn:aws:secretsmanager:us-east-1:000000000000:secret:s" }],
      logConfiguration: {
        logDriver: "awslogs",
        options: { "awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p" },
      },
    },
  );
  const { taskDefinition } = await registerTaskDefinition(context, input, TEST_CALL);
  assert.deepEqual(taskDefinition?.compatibilities, ["EC2", "FARGATE", "MANAGED_INSTANCES"]);
  assert.deepEqual(taskDefinition?.requiresCompatibilities, ["FARGATE"]);
  assert.deepEqual(
    taskDefinition?.requiresAttributes?.map((a) => a.name),
    [
      "com.amazonaws.ecs.capability.docker-remote-api.1.17",
      "com.amazonaws.ecs.capability.docker-remote-api.1.18",
      "com.amazonaws.ecs.capability.docker-remote-api.1.19",
      "com.amazonaws.ecs.capability.logging-driver.awslogs",
      "com.amazonaws.ecs.capability.task-iam-role",
      "ecs.capability.execution-role-awslogs",
      "ecs.capability.secrets.asm.environment-variables",
      "ecs.capability.task-cpu-mem-limit",
      "ecs.capability.task-eni",
    ],
  );
});

test("revision numbers rise within a family, whoever registers at once, and are limited", async () => {
  const context = await testContext();
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => registerTaskDefinition(context, definition(), TEST_CALL)),
  );
  assert.deepEqual(answers.map((a) => a.taskDefinition?.revision).sort(), [1, 2, 3, 4, 5]);
  await arrange(context, (tx) => tx.taskDefinitionFamilies.put({ family: "full", lastRevision: 1_000_000 }));
  const register = () => registerTaskDefinition(context, definition({ family: "full" }), TEST_CALL);
  await refused(register, "LimitExceededException");
});

test("a revision is deregistered by its number, and doing it again changes nothing", async () => {
  const context = await testContext();
  await registerTaskDefinition(context, definition(), TEST_CALL);
  const deregister = (taskDefinition: string) => deregisterTaskDefinition(context, { taskDefinition }, TEST_CALL);
  await refused(() => deregister("web"), "ClientException", "Revision is missing.");
  await refused(() => deregister("web:foo"), "InvalidParameterException", "Invalid revision number. Number: foo");
  await refused(() => deregister("web:2"), "ClientException", "Unable to describe task definition.");
  context.clock.advance(1000);
  const first = await deregister("web:1");
  context.clock.advance(1000);
  const second = await deregister("web:1");
  assert.equal(first.taskDefinition?.status, "INACTIVE");
  assert.deepEqual(first.taskDefinition?.deregisteredAt, new Date(TEST_START + 1000));
  assert.deepEqual(second, first);
});

test("a description shows tags only if asked, and an unknown one is refused", async () => {
  const context = await testContext();
  await registerTaskDefinition(context, definition({ tags: [{ key: "k", value: "v" }] }), TEST_CALL);
  const describe = (taskDefinition: string, include?: ["TAGS"]) =>
    describeTaskDefinition(context, { taskDefinition, include }, TEST_CALL);
  assert.equal((await describe("web")).tags, undefined);
  assert.deepEqual((await describe("web:1", ["TAGS"])).tags, [{ key: "k", value: "v" }]);
  await refused(() => describe("nothing"), "ClientException", "Unable to describe task definition.");
  await deregisterTaskDefinition(context, { taskDefinition: "web:1" }, TEST_CALL);
  await refused(() => describe("web"), "ClientException", "Unable to describe task definition.");
  assert.equal((await describe("web:1")).taskDefinition?.status, "INACTIVE");
});
