import assert from "node:assert/strict";
import { test } from "node:test";
import { newDeployment } from "../../../deployment/index.ts";
import { arrange, refused, TEST_START } from "../testing.ts";
import { type TasksRig, tasksRig } from "./testing.ts";

const MINUTE_MS = 60_000;

/** A cluster with a service `web` of two, started as its controller would, and one standalone task. */
async function world(): Promise<{ readonly rig: TasksRig; readonly mine: string[]; readonly alone: string }> {
  const rig = await tasksRig();
  await rig.host("1");
  await rig.define("web");
  const made = await rig.call("CreateService", { serviceName: "web", taskDefinition: "web", desiredCount: 2 });
  const { tasks } = await rig.call("RunTask", { taskDefinition: "web", count: 4 });
  const [alone = "", ...mine] = tasks?.map((t) => t.taskArn ?? "") ?? [];
  await arrange(rig.context, (tx) => {
    const service = tx.services.get(made.service?.serviceArn ?? "")!;
    for (const arn of mine) {
      const task = tx.tasks.get(arn)!;
      tx.tasks.put({ ...task, serviceArn: service.arn, deploymentId: service.deployments[0]!.id });
    }
    tx.services.put({
      ...service,
      deployments: service.deployments.map((d) => ({ ...d, rolloutState: "COMPLETED" as const })),
    });
  });
  return { rig, mine, alone };
}

test("UpdateTaskProtection protects for two hours if not told otherwise, anew with each call, and takes protection away", async () => {
  const { rig, mine } = await world();
  const [task] = mine as [string];
  const { protectedTasks, failures } = await rig.call("UpdateTaskProtection", {
    cluster: "default",
    tasks: [task, task.slice(-32)],
    protectionEnabled: true,
  });
  const expirationDate = new Date(TEST_START + 120 * MINUTE_MS);
  assert.deepEqual(protectedTasks, [{ taskArn: task, protectionEnabled: true, expirationDate }]);
  assert.deepEqual(failures, []);
  rig.context.clock.advance(60 * MINUTE_MS);
  const again = { cluster: "default", tasks: [task], protectionEnabled: true, expiresInMinutes: 2880 };
  const renewed = await rig.call("UpdateTaskProtection", again);
  assert.deepEqual(renewed.protectedTasks?.[0]?.expirationDate, new Date(TEST_START + 2940 * MINUTE_MS));
  const off = await rig.call("UpdateTaskProtection", { cluster: "default", tasks: [task], protectionEnabled: false });
  assert.deepEqual(off.protectedTasks, [{ taskArn: task, protectionEnabled: false }]);
});

test("GetTaskProtection tells of protection until it has expired", async () => {
  const { rig, mine } = await world();
  const [one, other] = mine as [string, string];
  await rig.call("UpdateTaskProtection", {
    cluster: "default",
    tasks: [one],
    protectionEnabled: true,
    expiresInMinutes: 1,
  });
  rig.context.clock.advance(MINUTE_MS - 1);
  const asked = { cluster: "default", tasks: [one, other] };
  assert.deepEqual((await rig.call("GetTaskProtection", asked)).protectedTasks, [
    { taskArn: one, protectionEnabled: true, expirationDate: new Date(TEST_START + MINUTE_MS) },
    { taskArn: other, protectionEnabled: false },
  ]);
  rig.context.clock.advance(1);
  assert.deepEqual((await rig.call("GetTaskProtection", asked)).protectedTasks?.[0], {
    taskArn: one,
    protectionEnabled: false,
  });
});

test("what is not there, stops, or belongs to no service is a failure, and the others are carried out", async () => {
  const { rig, mine, alone } = await world();
  const [stopped, good] = mine as [string, string];
  await rig.call("StopTask", { task: stopped });
  const missing = "0".repeat(32);
  const tasks = [missing, alone, stopped, good];
  const update = await rig.call("UpdateTaskProtection", { cluster: "default", tasks, protectionEnabled: true });
  const reasons = (failures: typeof update.failures) => failures?.map((f) => [f.arn?.slice(-32), f.reason]);
  const expected = [
    [missing, "MISSING"],
    [alone.slice(-32), "TASK_NOT_VALID"],
    [stopped.slice(-32), "TASK_NOT_VALID"],
  ];
  assert.deepEqual(reasons(update.failures), expected);
  assert.deepEqual(
    update.protectedTasks?.map((t) => t.taskArn),
    [good],
  );
  const get = await rig.call("GetTaskProtection", { cluster: "default", tasks });
  assert.deepEqual(reasons(get.failures), expected);
});

test("while a deployment waits, no more tasks are protected than the service is to have", async () => {
  const { rig, mine } = await world();
  const protect = (...tasks: string[]) =>
    rig.call("UpdateTaskProtection", { cluster: "default", tasks, protectionEnabled: true });
  const [service] = [...rig.context.store.view.services.all()];
  await arrange(rig.context, (tx) => {
    const next = newDeployment("ecs-svc/2", service!, TEST_START);
    const old = service!.deployments.map((d) => ({ ...d, status: "ACTIVE" as const }));
    tx.services.put({ ...service!, deployments: [next, ...old] });
  });
  const { protectedTasks, failures } = await protect(...mine);
  assert.equal(protectedTasks?.length, 2);
  assert.deepEqual(
    failures?.map((f) => [f.arn, f.reason]),
    [[mine[2], "DEPLOYMENT_BLOCKED"]],
  );
  await arrange(rig.context, (tx) => void tx.services.put(service!));
  assert.deepEqual((await protect(...mine)).failures, [], "nothing waits any more");
});

test("counts and minutes have their limits, and refusals change nothing", async () => {
  const { rig, mine } = await world();
  const [task] = mine as [string];
  const update = (over: object) =>
    rig.call("UpdateTaskProtection", { cluster: "default", tasks: [task], protectionEnabled: true, ...over });
  for (const expiresInMinutes of [0, 2881]) {
    await refused(
      () => update({ expiresInMinutes }),
      "InvalidParameterException",
      "expiresInMinutes must be between 1 and 2880 minutes.",
    );
  }
  await refused(() => update({ tasks: [] }), "InvalidParameterException", "Tasks cannot be empty.");
  await refused(
    () => update({ tasks: Array.from({ length: 11 }, (_, i) => String(i)) }),
    "InvalidParameterException",
    "Tasks cannot have more than 10 elements.",
  );
  await refused(() => rig.call("GetTaskProtection", { cluster: "default" }), "InvalidParameterException");
  await refused(
    () =>
      rig.call("GetTaskProtection", { cluster: "default", tasks: Array.from({ length: 101 }, (_, i) => String(i)) }),
    "InvalidParameterException",
    "Tasks cannot have more than 100 elements.",
  );
  await refused(() => update({ cluster: "none" }), "ClusterNotFoundException");
  const { protectedTasks } = await rig.call("GetTaskProtection", { cluster: "default", tasks: [task] });
  assert.deepEqual(protectedTasks, [{ taskArn: task, protectionEnabled: false }]);
});
