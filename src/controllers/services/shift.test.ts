import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment, nextGroups, supersede } from "../../deployment/index.ts";
import { taskLoadBalancersOf } from "../../model/deployment.ts";
import type { ListenerRecord, TargetGroupRecord } from "../../model/load-balancer.ts";
import { primaryDeployment, type ServiceRecord } from "../../model/service.ts";
import type { LifecycleHook } from "../../model/traffic-shift.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport, applyTargetHealth, beginServiceDeployment, weightsAt } from "../../state/index.ts";
import { type BerthStore, type BerthTransaction, MemoryDisk } from "../../store/index.ts";
import { listenerArn, listenerRuleArn, loadBalancerArn, targetGroupArn, taskDefinitionArn } from "../../wire/arn.ts";
import { startTargetsController } from "../targets.ts";
import { messages, newService, putWorld, SERVICE_ARN, type TestPlane, testDefinition, testPlane } from "../testing.ts";
import { HOOK_EVENT } from "./run-hook.ts";
import { startServicesController } from "./services.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };
const BLUE = targetGroupArn(SCOPE, { targetGroupName: "blue", targetGroupId: "a".repeat(16) });
const GREEN = targetGroupArn(SCOPE, { targetGroupName: "green", targetGroupId: "b".repeat(16) });
const FRONT = { loadBalancerKind: "app", loadBalancerName: "front", loadBalancerId: "c".repeat(16) };
const LISTENER = { ...FRONT, listenerId: "d".repeat(16) };
const RULE = listenerRuleArn(SCOPE, { ...LISTENER, ruleId: "e".repeat(16) });
const TEST_RULE = listenerRuleArn(SCOPE, { ...LISTENER, ruleId: "f".repeat(16) });
const MIGRATION = taskDefinitionArn(SCOPE, { family: "migrate", revision: 1 });

const LOAD_BALANCERS: ServiceRecord["loadBalancers"] = [
  {
    targetGroupArn: BLUE,
    containerName: "web",
    containerPort: 80,
    advanced: { alternateTargetGroupArn: GREEN, productionListenerRule: RULE, testListenerRule: TEST_RULE },
  },
];

function putBalancer(tx: BerthTransaction): void {
  const group = { protocol: "HTTP", port: 80, targetType: "instance", attributes: {}, tags: {}, createdAt: 0 };
  const healthCheck = { enabled: true, protocol: "HTTP", port: "traffic-port", intervalSeconds: 5 };
  for (const [name, arn] of Object.entries({ blue: BLUE, green: GREEN })) {
    tx.targetGroups.put({ ...group, name, arn, healthCheck } as unknown as TargetGroupRecord);
  }
  const forward = [{ Type: "forward", TargetGroupArn: BLUE }] as const;
  const shared = { loadBalancerArn: loadBalancerArn(SCOPE, FRONT), tags: {}, createdAt: 0 };
  tx.listeners.put({
    ...shared,
    arn: listenerArn(SCOPE, LISTENER),
    protocol: "HTTP",
    port: 80,
    defaultActions: [...forward],
    defaultRuleArn: RULE,
    attributes: {},
  } as ListenerRecord);
  tx.listenerRules.put({
    ...shared,
    arn: TEST_RULE,
    listenerArn: listenerArn(SCOPE, LISTENER),
    priority: 1,
    conditions: [],
    actions: [...forward],
  });
  tx.taskDefinitions.put({
    ...testDefinition(1),
    arn: MIGRATION,
    family: "migrate",
    definition: {
      family: "migrate",
      containerDefinitions: [{ name: "migrate", image: "m", cpu: 1, memory: 8, essential: true }],
    },
  });
}

const canary = (hooks: readonly LifecycleHook[]): ServiceRecord["shift"] => ({
  strategy: "CANARY",
  bakeTimeMinutes: 1,
  canary: { canaryPercent: 10, canaryBakeTimeMinutes: 1 },
  hooks,
});

/** A control plane that can be killed at any moment, and what its hosts and its load balancer do meanwhile. */
class World {
  readonly clock = new ManualClock(1_000_000);
  readonly #disk = new MemoryDisk();
  #plane!: TestPlane;
  #loops: { stop(): Promise<void> }[] = [];
  #deployments = 0;

  get store(): BerthStore {
    return this.#plane.store;
  }

  async boot(): Promise<void> {
    this.#plane = await this.clock.during(testPlane(this.clock, this.#disk));
    const { context } = this.#plane;
    this.#loops = [startServicesController(context), startTargetsController(context)];
  }

  async crash(): Promise<void> {
    this.#plane.kill();
    for (const loop of this.#loops) await this.clock.during(loop.stop());
    await this.boot();
  }

  async end(): Promise<void> {
    for (const loop of this.#loops) await this.clock.during(loop.stop());
  }

  write(change: (tx: BerthTransaction) => void): Promise<void> {
    return this.clock.during(this.store.transact("test", change));
  }

  /** As CreateService, or UpdateService with forceNewDeployment. */
  deploy(over: Partial<ServiceRecord> = {}): Promise<void> {
    const number = ++this.#deployments;
    const now = this.clock.now();
    return this.write((tx) => {
      const before = tx.services.get(SERVICE_ARN) ?? { ...newService({ desiredCount: 2 }), deployments: [] };
      const service = { ...before, loadBalancers: LOAD_BALANCERS, ...over };
      const groups = nextGroups(service);
      if ("refusal" in groups) throw new Error(groups.refusal);
      const next = newDeployment(`ecs-svc/${number}`, { ...service, ...groups }, now);
      const made = { ...service, deployments: supersede(service.deployments, next, now) };
      tx.services.put(beginServiceDeployment(tx, made, testDefinition(1), { id: `deployment${number}`, now }));
    });
  }

  /** What hosts and the load balancer do: everything that is to run runs and is healthy, what drains is drained. */
  catchUp(): Promise<void> {
    const now = this.clock.now();
    return this.write((tx) => {
      for (const task of [...tx.tasks.all()].filter((t) => t.lastStatus !== "STOPPED")) {
        const containers = task.containers.map(({ name }, i) => ({
          name,
          networkBindings: [{ containerPort: 80, hostPort: 30_000 + Number.parseInt(task.arn.slice(-4), 16) + i }],
        }));
        if (task.lastStatus === "STOPPING") applyReport(tx, task, { status: "STOPPED", containers: [] }, now);
        if (task.lastStatus === "PENDING") applyReport(tx, task, { status: "RUNNING", containers }, now);
      }
      for (const target of [...tx.targets.all()]) {
        if (target.drainingSince !== undefined)
          tx.targets.delete(`${target.targetGroupArn}|${target.id}|${target.port}`);
        else if (target.state !== "healthy") applyTargetHealth(tx, target, { state: "healthy" });
      }
    });
  }

  endHook(exitCode: number): Promise<void> {
    return this.write((tx) => {
      for (const task of [...tx.tasks.all()].filter((t) => t.lastStatus !== "STOPPED")) {
        if (task.hookOf === undefined || task.lastStatus !== "RUNNING") continue;
        applyReport(tx, task, { status: "STOPPED", containers: [{ name: "migrate", exitCode }] }, this.clock.now());
      }
    });
  }

  get record() {
    const records = this.store.view.serviceDeployments.where("service", SERVICE_ARN);
    return records.toSorted((a, b) => b.createdAt - a.createdAt)[0];
  }

  get weights() {
    const weights = weightsAt(this.store.view, RULE);
    return [weights?.get(BLUE) ?? 0, weights?.get(GREEN) ?? 0];
  }

  get hookTasks() {
    return [...this.store.view.tasks.all()].filter((task) => task.hookOf !== undefined);
  }

  async until(what: () => boolean, name: string): Promise<void> {
    for (let i = 0; i < 200 && !what(); i++) {
      await this.clock.pass(20);
      await this.catchUp();
    }
    assert.ok(
      what(),
      `${name}: ${this.record?.status} in ${this.record?.shift?.stage}, ${messages(this.store).slice(-3)}`,
    );
  }
}

const MIGRATE: LifecycleHook = {
  targetType: "AWS_LAMBDA",
  taskDefinitionArn: MIGRATION,
  stages: ["PRE_SCALE_UP"],
  hookDetails: { schema: 7 },
  timeoutMinutes: 60,
  timeoutAction: "ROLLBACK",
};

async function deployed(): Promise<World> {
  const world = new World();
  await world.boot();
  await world.clock.during(putWorld(world.store, 3));
  await world.write(putBalancer);
  await world.deploy();
  await world.until(() => world.record?.status === "SUCCESSFUL", "the first deployment");
  await world.clock.pass(1_000);
  return world;
}

test("[TS22] a canary runs its migration once, then shifts the listener's traffic and completes", async () => {
  const world = await deployed();
  await world.deploy({ shift: canary([MIGRATE]) });
  await world.until(() => world.hookTasks[0]?.lastStatus === "RUNNING", "the migration");
  const [task] = world.hookTasks;
  assert.equal(task?.startedBy, "ecs-task-2-1");
  const event = JSON.parse(
    task?.overrides.containerOverrides[0]?.environment?.find((e) => e.name === HOOK_EVENT)?.value ?? "",
  );
  assert.deepEqual(
    [event.lifecycleStage, event.resourceArn, event.hookDetails],
    ["PRE_SCALE_UP", world.record?.arn, { schema: 7 }],
  );
  assert.equal(world.store.view.tasks.where("service", SERVICE_ARN).length, 2, "nothing of the new revision");
  assert.deepEqual(world.weights, [100, 0]);
  await world.endHook(0);
  await world.until(() => world.weights[1] === 10, "the canary");
  assert.deepEqual(world.weights, [90, 10]);
  assert.equal(weightsAt(world.store.view, TEST_RULE)?.get(GREEN), 100);
  await world.clock.pass(60_000);
  await world.until(() => world.record?.shift?.stage === "BAKE_TIME", "the bake time");
  assert.deepEqual(world.weights, [0, 100]);
  await world.clock.pass(60_000);
  await world.until(() => world.record?.status === "SUCCESSFUL", "the end");
  assert.equal(world.hookTasks.length, 1);
  const groups = world.store.view.tasks.where("service", SERVICE_ARN).map((t) => t.loadBalancers[0]?.targetGroupArn);
  assert.deepEqual(groups, [GREEN, GREEN]);
  await world.end();
});

test("[TS22] a migration that fails is noted as the task to tell of, and the earlier revision goes on untouched", async () => {
  const world = await deployed();
  const before = world.store.view.tasks.where("service", SERVICE_ARN).map((t) => t.arn);
  await world.deploy({ shift: canary([MIGRATE]) });
  await world.until(() => world.hookTasks[0]?.lastStatus === "RUNNING", "the migration");
  await world.endHook(1);
  await world.until(() => world.record?.status === "ROLLBACK_SUCCESSFUL", "the rollback");
  assert.equal(world.record?.failedTask?.taskArn, world.hookTasks[0]?.arn);
  assert.deepEqual(
    world.store.view.tasks.where("service", SERVICE_ARN).map((t) => t.arn),
    before,
  );
  assert.ok(messages(world.store).some((m) => /deployment failed: lifecycle hook .* exited with code 1/.test(m)));
  await world.end();
});

test("[TS15] a control plane that is killed at any moment of a shift goes on where it was, and runs no hook twice", async () => {
  for (let at = 0; at < 12; at++) {
    const world = await deployed();
    await world.deploy({ shift: canary([MIGRATE]) });
    let beats = 0;
    const shares: number[] = [];
    for (let i = 0; i < 400 && world.record?.status !== "SUCCESSFUL"; i++) {
      await world.clock.pass(at + 1);
      if (++beats % (3 + at) === 0) await world.crash();
      await world.catchUp();
      await world.endHook(0);
      const [, green = 0] = world.weights;
      if (green !== shares.at(-1)) shares.push(green);
      if (world.record?.shift?.stage === "PRODUCTION_TRAFFIC_SHIFT" || world.record?.shift?.stage === "BAKE_TIME") {
        await world.clock.pass(30_000);
      }
    }
    assert.equal(world.record?.status, "SUCCESSFUL", `killed every ${3 + at} beats`);
    assert.deepEqual(shares, [0, 10, 100]);
    assert.equal(world.hookTasks.length, 1);
    await world.end();
  }
});

test("[TS12] a newer deployment takes a shift's traffic back in the transaction that makes it", async () => {
  const world = await deployed();
  const pause: LifecycleHook = {
    targetType: "PAUSE",
    stages: ["POST_PRODUCTION_TRAFFIC_SHIFT"],
    timeoutMinutes: 60,
    timeoutAction: "ROLLBACK",
  };
  await world.deploy({
    shift: { strategy: "BLUE_GREEN", bakeTimeMinutes: 0, hooks: [pause, { ...MIGRATE, stages: pause.stages }] },
  });
  await world.until(() => world.hookTasks[0]?.lastStatus === "RUNNING", "the pause");
  assert.deepEqual(world.weights, [0, 100]);
  await world.write((tx) => {
    const service = tx.services.get(SERVICE_ARN)!;
    const next = newDeployment("ecs-svc/99", { ...service, usesAlternate: true }, world.clock.now());
    const made = { ...service, deployments: supersede(service.deployments, next, world.clock.now()) };
    tx.services.put(
      beginServiceDeployment(tx, made, testDefinition(1), { id: "deployment99", now: world.clock.now() }),
    );
    const weights = weightsAt(tx, RULE);
    assert.deepEqual([weights?.get(BLUE), weights?.get(GREEN)], [100, 0]);
    assert.equal(tx.tasks.get(world.hookTasks[0]?.arn ?? "")?.desiredStatus, "STOPPED");
  });
  assert.deepEqual(
    taskLoadBalancersOf(primaryDeployment(world.store.view.services.get(SERVICE_ARN)!))[0]?.targetGroupArn,
    GREEN,
  );
  await world.end();
});
