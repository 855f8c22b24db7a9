import assert from "node:assert/strict";
import { test } from "node:test";
import type { CreateServiceRequest } from "@aws-sdk/client-ecs";
import type { ListenerRecord, TargetGroupRecord } from "../../../model/load-balancer.ts";
import type { RegisteredDefinition } from "../../../model/task-definition.ts";
import { listenerArn, listenerRuleArn, loadBalancerArn, targetGroupArn, taskDefinitionArn } from "../../../wire/arn.ts";
import { createCluster } from "../clusters/clusters.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START, testContext } from "../testing.ts";
import { describeServices, listServices } from "./queries.ts";
import { createService, deleteService, updateService } from "./services.ts";

type Context = Awaited<ReturnType<typeof testContext>>;

const GROUP = targetGroupArn(TEST_SCOPE, { targetGroupName: "web", targetGroupId: "0".repeat(16) });
const LONELY = targetGroupArn(TEST_SCOPE, { targetGroupName: "lonely", targetGroupId: "1".repeat(16) });
const LB = { loadBalancerKind: "app", loadBalancerName: "front", loadBalancerId: "2".repeat(16) };
const WEB = taskDefinitionArn(TEST_SCOPE, { family: "web", revision: 1 });
const WEB_2 = taskDefinitionArn(TEST_SCOPE, { family: "web", revision: 2 });

/** A cluster, the definitions web:1, web:2 and (INACTIVE) old:1, a target group with a listener and one without. */
async function world(): Promise<Context> {
  const context = await testContext();
  await createCluster(context, {}, TEST_CALL);
  await arrange(context, (tx) => {
    const put = (family: string, revision: number, over: Partial<RegisteredDefinition> = {}, isActive = true) =>
      tx.taskDefinitions.put({
        arn: taskDefinitionArn(TEST_SCOPE, { family, revision }),
        family,
        revision,
        status: isActive ? "ACTIVE" : "INACTIVE",
        definition: {
          family,
          containerDefinitions: [
            {
              name: "web",
              image: "web",
              memory: 128,
              essential: true,
              portMappings: [{ containerPort: 80, protocol: "tcp" }],
            },
          ],
          ...over,
        },
        registeredAt: 0,
        registeredBy: TEST_CALL.principal.arn,
        tags: { team: "blue" },
      });
    put("web", 1);
    put("web", 2);
    put("old", 1, {}, false);
    put("vpc", 1, { networkMode: "awsvpc" });
    put("outside", 1, { requiresCompatibilities: ["EXTERNAL"] });
    tx.taskDefinitionFamilies.put({ family: "web", lastRevision: 2 });
    const group = { name: "web", protocol: "HTTP", port: 80, targetType: "instance", attributes: {}, tags: {} };
    tx.targetGroups.put({ ...group, arn: GROUP, createdAt: 0 } as unknown as TargetGroupRecord);
    tx.targetGroups.put({ ...group, arn: LONELY, name: "lonely", createdAt: 0 } as unknown as TargetGroupRecord);
    const listener = { ...LB, listenerId: "3".repeat(16) };
    tx.listeners.put({
      arn: listenerArn(TEST_SCOPE, listener),
      loadBalancerArn: loadBalancerArn(TEST_SCOPE, LB),
      protocol: "HTTP",
      port: 80,
      defaultActions: [{ Type: "forward", TargetGroupArn: GROUP }],
      defaultRuleArn: listenerRuleArn(TEST_SCOPE, { ...listener, ruleId: "4".repeat(16) }),
      attributes: {},
      tags: {},
      createdAt: 0,
    } satisfies ListenerRecord);
  });
  return context;
}

const create = (context: Context, over: Partial<CreateServiceRequest> = {}) =>
  createService(context, { serviceName: "web", taskDefinition: "web:1", desiredCount: 2, ...over }, TEST_CALL);
const update = (context: Context, over: object) => updateService(context, { service: "web", ...over }, TEST_CALL);
const describe = async (context: Context, ...services: string[]) =>
  describeServices(context, { services, include: ["TAGS"] }, TEST_CALL);

test("CreateService answers the service with every default, and one PRIMARY deployment in progress", async () => {
  const { service } = await create(await world());
  assert.match(service?.deployments?.[0]?.id ?? "", /^ecs-svc\/[0-9]{19}$/);
  const id = service?.deployments?.[0]?.id;
  assert.match(service?.currentServiceDeployment ?? "", /:service-deployment\/default\/web\/[A-Za-z0-9_-]{21}$/);
  assert.deepEqual(service, {
    serviceArn: "arn:aws:ecs:us-east-1:000000000000:service/default/web",
    serviceName: "web",
    clusterArn: "arn:aws:ecs:us-east-1:000000000000:cluster/default",
    loadBalancers: [],
    serviceRegistries: [],
    status: "ACTIVE",
    desiredCount: 2,
    runningCount: 0,
    pendingCount: 0,
    launchType: "EC2",
    taskDefinition: WEB,
    deploymentConfiguration: {
      deploymentCircuitBreaker: { enable: false, rollback: false },
      maximumPercent: 200,
      minimumHealthyPercent: 100,
      strategy: "ROLLING",
      bakeTimeInMinutes: 0,
    },
    deployments: [
      {
        id,
        status: "PRIMARY",
        taskDefinition: WEB,
        desiredCount: 2,
        pendingCount: 0,
        runningCount: 0,
        failedTasks: 0,
        createdAt: new Date(TEST_START),
        updatedAt: new Date(TEST_START),
        launchType: "EC2",
        rolloutState: "IN_PROGRESS",
        rolloutStateReason: `ECS deployment ${id} in progress.`,
      },
    ],
    currentServiceDeployment: service?.currentServiceDeployment,
    currentServiceRevisions: [
      {
        arn: `arn:aws:ecs:us-east-1:000000000000:service-revision/default/web/${id?.slice("ecs-svc/".length)}`,
        requestedTaskCount: 2,
        runningTaskCount: 0,
        pendingTaskCount: 0,
      },
    ],
    events: [],
    createdAt: new Date(TEST_START),
    placementConstraints: [],
    placementStrategy: [],
    healthCheckGracePeriodSeconds: undefined,
    schedulingStrategy: "REPLICA",
    deploymentController: { type: "ECS" },
    createdBy: TEST_CALL.principal.arn,
    enableECSManagedTags: false,
    propagateTags: "NONE",
    enableExecuteCommand: false,
    availabilityZoneRebalancing: "ENABLED",
    tags: [],
  });
});

test("CreateService takes the latest ACTIVE revision of a family, and shows what it was given", async () => {
  const lb = { targetGroupArn: GROUP, containerName: "web", containerPort: 80 };
  const { service } = await create(await world(), {
    taskDefinition: "web",
    loadBalancers: [lb],
    healthCheckGracePeriodSeconds: 30,
    deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 150 },
    placementStrategy: [{ type: "binpack", field: "memory" }],
    placementConstraints: [{ type: "distinctInstance" }],
    tags: [{ key: "a", value: "b" }],
    propagateTags: "SERVICE",
  });
  assert.equal(service?.taskDefinition, WEB_2);
  assert.deepEqual(service?.loadBalancers, [lb]);
  assert.equal(service?.healthCheckGracePeriodSeconds, 30);
  assert.equal(service?.deploymentConfiguration?.minimumHealthyPercent, 50);
  assert.deepEqual(service?.placementStrategy, [{ type: "binpack", field: "memory" }]);
  assert.deepEqual(service?.tags, [{ key: "a", value: "b" }]);
});

test("CreateService refuses bad input with ECS's exception and changes nothing", async () => {
  const lb = { targetGroupArn: GROUP, containerName: "web", containerPort: 80 };
  const rows: [Partial<CreateServiceRequest>, string, string | RegExp][] = [
    [{ serviceName: "no spaces" }, "InvalidParameterException", /Service name/],
    [{ taskDefinition: undefined }, "InvalidParameterException", "TaskDefinition can not be blank."],
    [{ taskDefinition: "nowhere" }, "ClientException", "TaskDefinition not found."],
    [{ taskDefinition: "old:1" }, "ClientException", "TaskDefinition is inactive"],
    [{ taskDefinition: "vpc:1" }, "InvalidParameterException", /awsvpc/],
    [{ taskDefinition: "outside:1" }, "InvalidParameterException", "Task definition does not support launch_type EC2."],
    [{ desiredCount: undefined }, "InvalidParameterException", /desired count/],
    [{ desiredCount: -1 }, "InvalidParameterException", /desired count/],
    [{ desiredCount: 5001 }, "InvalidParameterException", /desired count/],
    [{ cluster: "other" }, "ClusterNotFoundException", "Cluster not found."],
    [{ clientToken: "x".repeat(37) }, "InvalidParameterException", /clientToken/],
    [{ healthCheckGracePeriodSeconds: -1 }, "InvalidParameterException", /healthCheckGracePeriodSeconds/],
    [{ deploymentConfiguration: { minimumHealthyPercent: 101 } }, "InvalidParameterException", /minimumHealthyPercent/],
    [{ deploymentConfiguration: { maximumPercent: 99 } }, "InvalidParameterException", /maximumPercent/],
    [{ placementStrategy: [{ type: "spread", field: "zone" }] }, "InvalidParameterException", /spread/],
    [
      { placementConstraints: [{ type: "memberOf", expression: "attribute:a ==" }] },
      "InvalidParameterException",
      /invalid at position 15: expected a value, found the end/,
    ],
    [
      { placementConstraints: [{ type: "distinctInstance", expression: "x" }] },
      "InvalidParameterException",
      "distinctInstance expression should not be specified.",
    ],
    [{ placementStrategy: [{ type: "binpack", field: "disk" }] }, "InvalidParameterException", /binpack/],
    [
      { loadBalancers: [{ ...lb, containerName: "db" }] },
      "InvalidParameterException",
      "The container db does not exist in the task definition.",
    ],
    [
      { loadBalancers: [{ ...lb, containerPort: 81 }] },
      "InvalidParameterException",
      "The container web did not have a container port 81 defined.",
    ],
    [
      { loadBalancers: [{ ...lb, targetGroupArn: LONELY }] },
      "InvalidParameterException",
      `The target group with targetGroupArn ${LONELY} does not have an associated load balancer.`,
    ],
    [
      { loadBalancers: [{ ...lb, targetGroupArn: GROUP.replace("web", "gone") }] },
      "InvalidParameterException",
      /does not exist/,
    ],
    [{ loadBalancers: Array.from({ length: 6 }, () => lb) }, "InvalidParameterException", /at most 5/],
    [{ loadBalancers: [lb, lb] }, "InvalidParameterException", /twice/],
    [{ tags: [{ key: "aws:x", value: "" }] }, "InvalidParameterException", /aws:/],
  ];
  const context = await world();
  for (const [over, code, message] of rows) await refused(() => create(context, over), code, message);
  assert.equal(context.store.view.services.size, 0);
});

test("CreateService and UpdateService refuse by name what is not carried out", async () => {
  const context = await world();
  await create(context);
  const both: [object, string][] = [
    [{ capacityProviderStrategy: [{ capacityProvider: "FARGATE" }] }, "capacityProviderStrategy"],
    [{ networkConfiguration: { awsvpcConfiguration: { subnets: ["s"] } } }, "networkConfiguration"],
    [{ serviceRegistries: [{ registryArn: "x" }] }, "serviceRegistries"],
    [{ serviceConnectConfiguration: { enabled: true } }, "serviceConnectConfiguration"],
    [{ volumeConfigurations: [{ name: "v" }] }, "volumeConfigurations"],
    [{ vpcLatticeConfigurations: [{ roleArn: "r", targetGroupArn: "t", portName: "p" }] }, "vpcLatticeConfigurations"],
    [{ enableExecuteCommand: true }, "enableExecuteCommand"],
    [{ deploymentController: { type: "CODE_DEPLOY" } }, "deploymentController.type"],
    [
      { deploymentConfiguration: { strategy: "ROLLING", bakeTimeInMinutes: 5 } },
      "deploymentConfiguration.bakeTimeInMinutes",
    ],
    [{ deploymentConfiguration: { canaryConfiguration: {} } }, "deploymentConfiguration.canaryConfiguration"],
    [{ deploymentConfiguration: { alarms: { alarmNames: ["a"], enable: true, rollback: true } } }, "alarms"],
    [{ loadBalancers: [{ loadBalancerName: "classic" }] }, "loadBalancers[].loadBalancerName"],
  ];
  for (const [over, name] of both) {
    const created = await refused(
      () => create(context, { serviceName: "other", ...over }),
      "InvalidParameterException",
    );
    const updated = await refused(() => update(context, over), "InvalidParameterException");
    for (const { message } of [created, updated])
      assert.ok(message.startsWith("Berth does not carry out") && message.includes(name), message);
  }
  for (const over of [{ launchType: "FARGATE" }, { role: "r" }] as const) {
    const [name = ""] = Object.keys(over);
    await refused(
      () => create(context, { serviceName: "other", ...over }),
      "InvalidParameterException",
      new RegExp(name),
    );
  }
  const accepted = {
    deploymentConfiguration: { strategy: "ROLLING", deploymentCircuitBreaker: { enable: false, rollback: false } },
  } as const;
  await create(context, { serviceName: "other", availabilityZoneRebalancing: "DISABLED", ...accepted });
});

test("the circuit breaker's settings are shown as they were given, and stay unless they are given anew", async () => {
  const context = await world();
  const breaker = {
    enable: true,
    rollback: true,
    resetOnHealthyTask: false,
    thresholdConfiguration: { type: "COUNT", value: 5 },
  } as const;
  const shown = async () => (await describe(context, "web")).services?.[0]?.deploymentConfiguration;
  await create(context, { deploymentConfiguration: { deploymentCircuitBreaker: breaker } });
  assert.deepEqual((await shown())?.deploymentCircuitBreaker, breaker);
  await update(context, { deploymentConfiguration: { maximumPercent: 150 } });
  assert.deepEqual((await shown())?.deploymentCircuitBreaker, breaker);
  await update(context, { deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: false } } });
  assert.deepEqual(JSON.parse(JSON.stringify((await shown())?.deploymentCircuitBreaker)), {
    enable: true,
    rollback: false,
  });
  assert.equal((await describe(context, "web")).services?.[0]?.deployments?.length, 1, "no new deployment");
  const deploymentCircuitBreaker = { ...breaker, thresholdConfiguration: { type: "COUNT", value: 0 } };
  await refused(
    () => update(context, { deploymentConfiguration: { deploymentCircuitBreaker } }),
    "InvalidParameterException",
    /1 or more/,
  );
});

test("CreateService twice with the same parameters answers the same service, with others it is refused", async () => {
  const context = await world();
  const first = await create(context);
  context.clock.advance(1000);
  assert.deepEqual(await create(context), first);
  await refused(
    () => create(context, { desiredCount: 3 }),
    "InvalidParameterException",
    "Creation of service was not idempotent.",
  );
});

test("UpdateService begins a deployment for a new task definition, new load balancers or by force, and else none", async () => {
  const context = await world();
  await create(context);
  const lb = { targetGroupArn: GROUP, containerName: "web", containerPort: 80 };
  const rows: [object, boolean][] = [
    [{ desiredCount: 5 }, false],
    [{ taskDefinition: "web:1" }, false],
    [{ taskDefinition: "web:2" }, true],
    [{ deploymentConfiguration: { maximumPercent: 150 } }, false],
    [{ placementStrategy: [{ type: "random" }] }, false],
    [{ placementConstraints: [{ type: "distinctInstance" }] }, false],
    [{ healthCheckGracePeriodSeconds: 5 }, false],
    [{ enableECSManagedTags: true, propagateTags: "TASK_DEFINITION" }, false],
    [{ forceNewDeployment: true }, true],
    [{ loadBalancers: [lb] }, true],
    [{ loadBalancers: [lb] }, false],
    [{ loadBalancers: [] }, true],
  ];
  for (const [over, isNew] of rows) {
    const before = context.store.view.services.get("arn:aws:ecs:us-east-1:000000000000:service/default/web")!;
    const { service } = await update(context, over);
    const primary = service?.deployments?.[0];
    assert.equal(primary?.id !== before.deployments[0]?.id, isNew, JSON.stringify(over));
    assert.equal(primary?.status, "PRIMARY");
    assert.ok(service?.deployments?.slice(1).every((d) => d.status === "ACTIVE"));
    assert.equal(primary?.desiredCount, service?.desiredCount);
  }
  const { service } = await update(context, { placementStrategy: [], placementConstraints: [] });
  assert.deepEqual([service?.placementStrategy, service?.placementConstraints], [[], []]);
  assert.deepEqual(
    [service?.desiredCount, service?.taskDefinition, service?.propagateTags],
    [5, WEB_2, "TASK_DEFINITION"],
  );
  assert.deepEqual(service?.deploymentConfiguration?.minimumHealthyPercent, 100);
});

test("[PL10] UpdateService takes a memberOf constraint, and refuses one that it cannot read", async () => {
  const context = await world();
  await create(context);
  const constraints = [{ type: "memberOf", expression: "attribute:a exists" }] as const;
  const { service } = await update(context, { placementConstraints: [...constraints] });
  assert.deepEqual(service?.placementConstraints, constraints);
  const broken = { placementConstraints: [{ type: "memberOf" as const, expression: "attribute:a exists)" }] };
  await refused(() => update(context, broken), "InvalidParameterException", /invalid at position 19/);
});

test("UpdateService changes, keeps and clears a placement strategy", async () => {
  const context = await world();
  await create(context, { placementStrategy: [{ type: "random" }] });
  const strategy = async (over: object) => (await update(context, over)).service?.placementStrategy;
  assert.deepEqual(await strategy({ desiredCount: 3 }), [{ type: "random" }]);
  assert.deepEqual(await strategy({ placementStrategy: [{ type: "spread", field: "host" }] }), [
    { type: "spread", field: "host" },
  ]);
  await refused(() => strategy({ placementStrategy: [{}, {}] }), "InvalidParameterException", /needs a type/);
  assert.deepEqual(await strategy({ placementStrategy: [{}] }), []);
});

test("UpdateService refuses a service that is not there or not ACTIVE, and a definition without the load balancer's port", async () => {
  const context = await world();
  await refused(() => update(context, {}), "ServiceNotFoundException", "Service not found.");
  await create(context, { loadBalancers: [{ targetGroupArn: GROUP, containerName: "web", containerPort: 80 }] });
  await arrange(context, (tx) => {
    const { arn: _, ...rest } = tx.taskDefinitions.get(WEB)!;
    const definition = { family: "web", containerDefinitions: [{ name: "api", image: "x", memory: 1 }] };
    tx.taskDefinitions.put({ ...rest, arn: WEB_2, revision: 2, definition });
  });
  await refused(
    () => update(context, { taskDefinition: "web:2" }),
    "InvalidParameterException",
    /The container web does not exist/,
  );
  await deleteService(context, { service: "web", force: true }, TEST_CALL);
  await refused(() => update(context, { desiredCount: 1 }), "ServiceNotActiveException", "Service was not ACTIVE.");
});

test("DeleteService asks for force above 0, is DRAINING, and frees the name only when INACTIVE", async () => {
  const context = await world();
  await create(context);
  const remove = (force?: boolean) => deleteService(context, { service: "web", force }, TEST_CALL);
  await refused(
    () => remove(),
    "InvalidParameterException",
    "The service cannot be stopped while it is scaled above 0.",
  );
  const { service } = await remove(true);
  assert.deepEqual([service?.status, service?.desiredCount], ["DRAINING", 0]);
  assert.equal((await remove()).service?.status, "DRAINING", "deleting it again changes nothing");
  await refused(
    () => create(context),
    "InvalidParameterException",
    "Unable to Start a service that is still Draining.",
  );
  assert.deepEqual((await listServices(context, {}, TEST_CALL)).serviceArns, []);
  assert.equal((await describe(context, "web")).services?.[0]?.status, "DRAINING");
  await arrange(context, (tx) => {
    const draining = tx.services.get("arn:aws:ecs:us-east-1:000000000000:service/default/web")!;
    tx.services.put({ ...draining, status: "INACTIVE", deployments: [] });
  });
  await refused(() => remove(), "ServiceNotFoundException");
  assert.equal((await describe(context, "web")).services?.[0]?.status, "INACTIVE");
  assert.equal((await create(context)).service?.status, "ACTIVE");
});

test("DescribeServices takes names and ARNs, answers MISSING for what is not there, and at most 10", async () => {
  const context = await world();
  await create(context, { tags: [{ key: "a", value: "1" }] });
  const arn = "arn:aws:ecs:us-east-1:000000000000:service/default/web";
  const answer = await describe(context, "web", arn, "nope");
  assert.equal(answer.services?.length, 1);
  assert.deepEqual(answer.failures, [{ arn: arn.replace(/web$/, "nope"), reason: "MISSING" }]);
  assert.deepEqual(answer.services?.[0]?.tags, [{ key: "a", value: "1" }]);
  const plain = await describeServices(context, { services: ["web"] }, TEST_CALL);
  assert.equal(plain.services?.[0]?.tags, undefined);
  await refused(() => describe(context), "InvalidParameterException", "Services cannot be empty.");
  await refused(
    () => describe(context, ...Array.from({ length: 11 }, (_, i) => `s${i}`)),
    "InvalidParameterException",
    /10/,
  );
  await refused(
    () => describe(context, arn.replace("/default/", "/other/")),
    "InvalidParameterException",
    /Your cluster is default/,
  );
});

test("ListServices gives ten at a time, filters by launch type and strategy", async () => {
  const context = await world();
  for (let i = 0; i < 12; i++)
    await create(context, { serviceName: `s${String(i).padStart(2, "0")}`, desiredCount: 0 });
  const first = await listServices(context, {}, TEST_CALL);
  assert.equal(first.serviceArns?.length, 10);
  const rest = await listServices(context, { nextToken: first.nextToken }, TEST_CALL);
  assert.deepEqual(
    rest.serviceArns?.map((a) => a.split("/").at(-1)),
    ["s10", "s11"],
  );
  assert.equal(rest.nextToken, undefined);
  assert.deepEqual((await listServices(context, { launchType: "FARGATE" }, TEST_CALL)).serviceArns, []);
  assert.deepEqual((await listServices(context, { schedulingStrategy: "DAEMON" }, TEST_CALL)).serviceArns, []);
  await refused(() => listServices(context, { maxResults: 101 }, TEST_CALL), "InvalidParameterException");
});
