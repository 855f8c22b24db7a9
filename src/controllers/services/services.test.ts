import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment, supersede } from "../../deployment/index.ts";
import type { TargetRecord } from "../../model/load-balancer.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { requestStop } from "../../state/index.ts";
import { MemoryDisk } from "../../store/index.ts";
import { type TaskArn, targetGroupArn as targetGroup } from "../../wire/arn.ts";
import {
  agentsCatchUp,
  liveTasks,
  messages,
  newService,
  putWorld,
  SERVICE_ARN,
  type TestPlane,
  testDefinition,
  testHost,
  testPlane,
  usedOn,
} from "../testing.ts";
import { startServicesController } from "./services.ts";

const SCOPE = { region: "us-east-1", accountId: "000000000000" };

/** A service of three tasks on three hosts, all RUNNING. */
async function running(
  desiredCount = 3,
  heardSince?: (clock: ManualClock) => number | undefined,
): Promise<{ plane: TestPlane; clock: ManualClock; stop(): Promise<void> }> {
  const clock = new ManualClock(1_000_000);
  const opening = testPlane(clock);
  await clock.pass(0);
  const plane = await opening;
  await clock.during(putWorld(plane.store, 3));
  const controller = startServicesController({
    ...plane.context,
    ...(heardSince === undefined ? {} : { agents: { heardSince: () => heardSince(clock) } }),
  });
  await clock.during(plane.store.transact("create", (tx) => void tx.services.put(newService({ desiredCount }))));
  await clock.pass(20);
  await clock.during(agentsCatchUp(plane.store, clock));
  await clock.pass(20);
  return { plane, clock, stop: () => clock.during(controller.stop()) };
}

test("a service gets its tasks, spread over the hosts, within milliseconds, and is steady when they run", async () => {
  const { plane, stop } = await running();
  const tasks = liveTasks(plane.store);
  assert.deepEqual(
    tasks.map((t) => t.lastStatus),
    ["RUNNING", "RUNNING", "RUNNING"],
  );
  assert.equal(new Set(tasks.map((t) => t.containerInstanceArn)).size, 3);
  assert.ok(tasks.every((t) => t.startedBy === "ecs-svc/1" && t.group === "service:web"));
  assert.match(
    messages(plane.store)[0] ?? "",
    /^has started 3 tasks: \(task [0-9a-f]{32}\)( \(task [0-9a-f]{32}\)){2}\.$/,
  );
  assert.deepEqual(messages(plane.store).slice(1), [
    "(deployment ecs-svc/1) deployment completed.",
    "has reached a steady state.",
  ]);
  assert.ok(usedOn(plane.store, 1).cpu === 128);
  await stop();
});

test("a task that dies is replaced in the same moment, and is counted once", async () => {
  const { plane, clock, stop } = await running();
  await clock.pass(60_000);
  const { store } = plane;
  const [victim] = liveTasks(store);
  await clock.during(
    store.transact("die", (tx) => {
      const task = tx.tasks.get(victim!.arn)!;
      tx.tasks.put({ ...task, lastStatus: "STOPPED", desiredStatus: "STOPPED", stopCode: "EssentialContainerExited" });
    }),
  );
  const before = clock.now();
  while (liveTasks(store).length < 3) await clock.pass(1);
  assert.ok(clock.now() - before <= 5, "milliseconds");
  assert.equal(store.view.tasks.get(victim!.arn)?.accounted, true);
  await stop();
});

test("a new deployment is rolled: no task of the old one is stopped before the new ones are healthy", async () => {
  const { plane, clock, stop } = await running();
  const { store } = plane;
  await clock.pass(60_000);
  await clock.during(
    store.transact("update", (tx) => {
      const service = { ...tx.services.get(SERVICE_ARN)!, taskDefinitionArn: testDefinition(2).arn };
      const next = newDeployment("ecs-svc/2", service, clock.now());
      tx.services.put({ ...service, deployments: supersede(service.deployments, next, clock.now()) });
    }),
  );
  await clock.pass(20);
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(39_000);
  assert.equal(
    liveTasks(store).filter((t) => t.deploymentId === "ecs-svc/1" && t.desiredStatus === "RUNNING").length,
    3,
  );
  await clock.pass(2_000);
  assert.ok(
    liveTasks(store)
      .filter((t) => t.desiredStatus === "RUNNING")
      .every((t) => t.deploymentId === "ecs-svc/2"),
  );
  assert.equal(store.view.services.get(SERVICE_ARN)?.deployments.length, 1);
  await stop();
});

test("[PL13] a task that fits nowhere is told of once, with what would help, and is placed as soon as there is room", async () => {
  const { plane, clock, stop } = await running(24);
  const { store } = plane;
  await clock.during(
    store.transact("scale", (tx) => void tx.services.put({ ...tx.services.get(SERVICE_ARN)!, desiredCount: 26 })),
  );
  await clock.pass(90_000);
  assert.equal(liveTasks(store).length, 24);
  const told = messages(store).filter((m) => m.startsWith("was unable to place a task"));
  assert.deepEqual(told, [
    "was unable to place a task because no container instance met all of its requirements. The closest matching " +
      "(container-instance host1) has insufficient CPU units available. For more information, see the Troubleshooting " +
      "section of the Amazon ECS Developer Guide. It fits if 128 CPU units and 128 MiB are freed on i-1.",
  ]);
  await clock.during(store.transact("host", (tx) => void tx.containerInstances.put(testHost(4))));
  await clock.pass(5);
  assert.equal(liveTasks(store).length, 26);
  await stop();
});

test("tasks on a host that is set to DRAINING run elsewhere before they are stopped", async () => {
  const { plane, clock, stop } = await running();
  const { store } = plane;
  await clock.pass(60_000);
  await clock.during(
    store.transact(
      "drain",
      (tx) => void tx.containerInstances.put({ ...tx.containerInstances.get(testHost(1).arn)!, status: "DRAINING" }),
    ),
  );
  await clock.pass(10);
  assert.equal(liveTasks(store).filter((t) => t.lastStatus === "PENDING").length, 1);
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(41_000);
  await clock.during(agentsCatchUp(store, clock));
  assert.equal(liveTasks(store).length, 3);
  assert.ok(liveTasks(store).every((t) => t.containerInstanceArn !== testHost(1).arn));
  await stop();
});

test("a deleted service is INACTIVE when its tasks have stopped", async () => {
  const { plane, clock, stop } = await running();
  const { store } = plane;
  await clock.during(
    store.transact(
      "delete",
      (tx) => void tx.services.put({ ...tx.services.get(SERVICE_ARN)!, status: "DRAINING", desiredCount: 0 }),
    ),
  );
  await clock.pass(10);
  assert.ok(liveTasks(store).every((t) => t.lastStatus === "STOPPING"));
  await clock.during(agentsCatchUp(store, clock));
  await clock.pass(10);
  assert.equal(store.view.services.get(SERVICE_ARN)?.status, "INACTIVE");
  assert.equal(usedOn(store, 1).cpu, 0);
  await stop();
});

test("killed at 40 random moments of a deployment, it ends with exactly the wanted tasks and no resource lost", async () => {
  const clock = new ManualClock(1_000_000);
  const disk = new MemoryDisk();
  const random = seededRandom(7);
  const open = async (seed: number) => {
    const opening = testPlane(clock, disk, seed);
    await clock.pass(0);
    return opening;
  };
  let plane = await open(1);
  await clock.during(putWorld(plane.store, 3));
  await clock.during(
    plane.store.transact(
      "create",
      (tx) => void tx.services.put(newService({ desiredCount: 6, taskDefinitionArn: testDefinition(2).arn })),
    ),
  );
  for (let life = 2; life < 42; life++) {
    const controller = startServicesController(plane.context);
    if (life % 10 === 0) {
      await clock.during(
        plane.store.transact("update", (tx) => {
          const service = tx.services.get(SERVICE_ARN)!;
          const next = newDeployment(`ecs-svc/${life}`, service, clock.now());
          tx.services.put({ ...service, deployments: supersede(service.deployments, next, clock.now()) });
        }),
      );
    }
    await clock.pass(Math.floor(random.next() * 6));
    void agentsCatchUp(plane.store, clock).catch(() => {});
    await clock.pass(Math.floor(random.next() * 6) + (life % 3 === 0 ? 41_000 : 0));
    plane.kill();
    void controller.stop();
    await clock.pass(2);
    plane = await open(life);
  }
  const controller = startServicesController(plane.context);
  for (let i = 0; i < 6; i++) {
    await clock.pass(41_000);
    await clock.during(agentsCatchUp(plane.store, clock));
  }
  await clock.pass(100);
  const live = liveTasks(plane.store);
  assert.equal(live.length, 6);
  assert.ok(live.every((t) => t.lastStatus === "RUNNING" && t.deploymentId === "ecs-svc/40"));
  const used = [1, 2, 3].map((n) => usedOn(plane.store, n).cpu);
  assert.deepEqual(used, [256, 256, 256]);
  await clock.during(controller.stop());
});

test("a task that a user stops is replaced", async () => {
  const { plane, clock, stop } = await running(1);
  const { store } = plane;
  const [task] = liveTasks(store);
  const cause = { stopCode: "UserInitiated", reason: "Task stopped by user" } as const;
  await clock.during(
    store.transact("stop", (tx) => void requestStop(tx, tx.tasks.get(task!.arn)!, cause, clock.now())),
  );
  await clock.pass(10);
  assert.equal(liveTasks(store).filter((t) => t.desiredStatus === "RUNNING").length, 1);
  await stop();
});

test("a task behind a load balancer counts when its target is healthy, and is replaced when it turns unhealthy", async () => {
  const { plane, clock, stop } = await running(1);
  const { store } = plane;
  const targetGroupArn = targetGroup(SCOPE, { targetGroupName: "web", targetGroupId: "0".repeat(16) });
  const loadBalancers = [{ targetGroupArn, containerName: "web", containerPort: 80 }];
  const setTarget = (taskArn: TaskArn, port: number, state: TargetRecord["state"]) =>
    clock.during(
      store.transact(
        "target",
        (tx) => void tx.targets.put({ targetGroupArn, id: "i-1", port, taskArn, state, registeredAt: 0 }),
      ),
    );
  await clock.during(
    store.transact("update", (tx) => {
      const service = { ...tx.services.get(SERVICE_ARN)!, loadBalancers };
      const next = newDeployment("ecs-svc/2", service, clock.now());
      tx.services.put({ ...service, deployments: supersede(service.deployments, next, clock.now()) });
    }),
  );
  await clock.pass(10);
  await clock.during(agentsCatchUp(store, clock));
  const first = liveTasks(store).find((t) => t.deploymentId === "ecs-svc/2")!;
  await setTarget(first.arn, 1, "initial");
  await clock.pass(60_000);
  assert.equal(store.view.services.get(SERVICE_ARN)?.deployments.length, 2, "an initial target is not healthy");
  await setTarget(first.arn, 1, "healthy");
  await clock.pass(10);
  assert.equal(store.view.services.get(SERVICE_ARN)?.deployments.length, 1);
  await setTarget(first.arn, 1, "unhealthy");
  await clock.pass(10);
  await clock.during(agentsCatchUp(store, clock));
  const second = liveTasks(store).find((t) => t.deploymentId === "ecs-svc/2" && t.arn !== first.arn)!;
  assert.equal(store.view.tasks.get(first.arn)?.desiredStatus, "RUNNING", "the replacement is not healthy yet");
  await setTarget(second.arn, 2, "healthy");
  await clock.pass(10);
  const replaced = store.view.tasks.get(first.arn);
  assert.equal(replaced?.lastStatus, "DEACTIVATING");
  assert.equal(replaced?.stoppedReason, `Task failed ELB health checks in (target-group ${targetGroupArn})`);
  assert.equal(messages(store).filter((m) => m.includes(`is unhealthy in (target-group ${targetGroupArn})`)).length, 1);
  assert.ok(messages(store).some((m) => m.endsWith("Amazon ECS replaced 1 tasks due to an unhealthy status.")));
  await stop();
});

test("a control plane that has just started replaces no unhealthy task before it has heard its host", async () => {
  let isHeard = false;
  const { plane, clock, stop } = await running(1, (at) => (isHeard ? at.monotonic() : undefined));
  const { store } = plane;
  const [task] = liveTasks(store);
  assert.ok(task !== undefined);
  await clock.during(
    store.transact("bad health", (tx) => tx.tasks.put({ ...tx.tasks.get(task.arn)!, healthStatus: "UNHEALTHY" })),
  );
  await clock.pass(20_000);
  assert.deepEqual(
    liveTasks(store).map((t) => t.arn),
    [task.arn],
  );
  isHeard = true;
  await clock.pass(1_100);
  assert.equal(liveTasks(store).length, 2, "the host is there, and the health is really bad");
  await stop();
});

test("a service that waits for room for a replacement changes nothing while it waits", async () => {
  const { plane, clock, stop } = await running();
  const drained = plane.store.transact("drain", (tx) => {
    for (const host of tx.containerInstances.all()) tx.containerInstances.put({ ...host, status: "DRAINING" });
  });
  await clock.during(drained);
  await clock.pass(1_000);
  const before = plane.store.revision;
  await clock.pass(60_000);
  assert.equal(plane.store.revision, before);
  assert.equal(liveTasks(plane.store).length, 3);
  await stop();
});

test("a service that is short of more tasks than one look starts does not look without end while there is no room", async () => {
  const { plane, clock, stop } = await running(1_000);
  const before = plane.store.revision;
  // Would never come to an end: each look would ask for the next one at the same moment.
  await clock.pass(1_000);
  assert.ok(plane.store.revision - before <= 1, `${plane.store.revision - before} changes`);
  assert.equal(liveTasks(plane.store).length, 24);
  await stop();
});
