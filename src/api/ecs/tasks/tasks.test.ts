import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TaskRecord } from "../../../model/task.ts";
import { arrange, refused, TEST_START } from "../testing.ts";
import { type TasksRig, tasksRig } from "./testing.ts";

async function running(count = 1): Promise<{ readonly rig: TasksRig; readonly arns: string[]; readonly host: string }> {
  const rig = await tasksRig();
  const host = await rig.host("1");
  await rig.define("web");
  const { tasks } = await rig.call("RunTask", { taskDefinition: "web", count });
  return { rig, host, arns: tasks?.map((t) => t.taskArn ?? "") ?? [] };
}

describe("StopTask", () => {
  test("wants the task stopped, with the reason given or ECS's own", async () => {
    const { rig, arns } = await running(2);
    const named = await rig.call("StopTask", { task: arns[0]!, reason: "enough" });
    const { desiredStatus, lastStatus, stopCode, stoppedReason, stoppingAt } = named.task!;
    assert.deepEqual(
      { desiredStatus, lastStatus, stopCode, stoppedReason, stoppingAt },
      {
        desiredStatus: "STOPPED",
        lastStatus: "STOPPING",
        stopCode: "UserInitiated",
        stoppedReason: "enough",
        stoppingAt: new Date(TEST_START),
      },
    );
    const byId = await rig.call("StopTask", { task: arns[1]!.slice(-32) });
    assert.equal(byId.task?.stoppedReason, "Task stopped by user");
    const again = await rig.call("StopTask", { task: arns[0]!, reason: "other" });
    assert.equal(again.task?.stoppedReason, "enough");
  });

  test("refuses an unknown task, and one of another cluster", async () => {
    const { rig, arns } = await running();
    await refused(
      () => rig.call("StopTask", { task: "0".repeat(32) }),
      "InvalidParameterException",
      "The referenced task was not found.",
    );
    await rig.call("CreateCluster", { clusterName: "other" });
    await refused(
      () => rig.call("StopTask", { cluster: "other", task: arns[0]! }),
      "InvalidParameterException",
      /Identifier is for .*default. Your cluster is other$/,
    );
    await refused(
      () => rig.call("StopTask", { task: "arn:aws:ecs:x" }),
      "InvalidParameterException",
      "The ARN provided is invalid.",
    );
  });
});

describe("DescribeTasks", () => {
  test("shows known tasks once, and fails unknown ones as MISSING", async () => {
    const { rig, arns } = await running();
    const { tasks, failures } = await rig.call("DescribeTasks", {
      tasks: [arns[0]!, arns[0]!.slice(-32), "0".repeat(32)],
    });
    assert.deepEqual(
      tasks?.map((t) => t.taskArn),
      arns,
    );
    assert.deepEqual(failures, [{ arn: arns[0]!.replace(/.{32}$/, "0".repeat(32)), reason: "MISSING" }]);
  });

  test("shows the definition's size, and without one what the containers add up to", async () => {
    const { rig, arns } = await running();
    const containerDefinitions = [
      { name: "web", image: "web", cpu: 10, memory: 20 },
      { name: "log", image: "log", cpu: 5, memory: 99, memoryReservation: 30 },
    ];
    await rig.define("two", {}, { containerDefinitions });
    await rig.define("sized", {}, { containerDefinitions, cpu: "128", memory: "200" });
    const sizeOf = async (taskDefinition: string) => {
      const [task] = (await rig.call("RunTask", { taskDefinition })).tasks ?? [];
      return [task?.cpu, task?.memory];
    };
    const [one] = (await rig.call("DescribeTasks", { tasks: arns })).tasks ?? [];
    assert.deepEqual([one?.cpu, one?.memory], ["100", "100"]);
    assert.deepEqual(await sizeOf("two"), ["15", "50"]);
    assert.deepEqual(await sizeOf("sized"), ["128", "200"]);
  });

  test("refuses none and more than a hundred", async () => {
    const { rig } = await running();
    await refused(
      () => rig.call("DescribeTasks", { tasks: [] }),
      "InvalidParameterException",
      "Tasks cannot be empty.",
    );
    await refused(() => rig.call("DescribeTasks", { tasks: Array(101).fill("a") }), "InvalidParameterException", /100/);
  });
});

describe("ListTasks", () => {
  test("filters, and lists what is to run unless told otherwise", async () => {
    const { rig, arns, host } = await running(3);
    await rig.define("job");
    const job = (await rig.call("RunTask", { taskDefinition: "job", startedBy: "me" })).tasks?.[0]?.taskArn ?? "";
    await rig.call("StopTask", { task: arns[0]! });
    const list = async (input: object) => (await rig.call("ListTasks", input)).taskArns?.toSorted();
    assert.deepEqual(await list({}), [arns[1], arns[2], job].toSorted());
    assert.deepEqual(await list({ desiredStatus: "STOPPED" }), [arns[0]]);
    assert.deepEqual(await list({ desiredStatus: "PENDING" }), []);
    assert.deepEqual(await list({ family: "job" }), [job]);
    assert.deepEqual(await list({ startedBy: "me" }), [job]);
    assert.deepEqual(await list({ containerInstance: host, family: "web" }), [arns[1], arns[2]].toSorted());
    assert.deepEqual(await list({ launchType: "FARGATE" }), []);
  });

  test("names a stopped task for an hour; DescribeTasks shows it still", async () => {
    const { rig, arns } = await running(2);
    const [arn = ""] = arns;
    await rig.call("SubmitTaskStateChange", { task: arn, status: "STOPPED" });
    const listed = async () => (await rig.call("ListTasks", { desiredStatus: "STOPPED" })).taskArns;
    rig.context.clock.advance(3_599_999);
    assert.deepEqual(await listed(), [arn]);
    rig.context.clock.advance(1);
    assert.deepEqual(await listed(), []);
    assert.deepEqual((await rig.call("ListTasks", {})).taskArns, [arns[1]]);
    assert.equal((await rig.call("DescribeTasks", { tasks: [arn] })).tasks?.[0]?.lastStatus, "STOPPED");
  });

  test("pages, with a token that is good for the same filters only", async () => {
    const { rig, arns } = await running(5);
    const first = await rig.call("ListTasks", { maxResults: 3 });
    const rest = await rig.call("ListTasks", { maxResults: 3, nextToken: first.nextToken });
    assert.deepEqual([...(first.taskArns ?? []), ...(rest.taskArns ?? [])].sort(), arns.toSorted());
    assert.equal(rest.nextToken, undefined);
    await refused(
      () => rig.call("ListTasks", { family: "web", nextToken: first.nextToken }),
      "InvalidParameterException",
    );
    await refused(() => rig.call("ListTasks", { maxResults: 101 }), "InvalidParameterException");
  });

  test("lists what is to stop and what has stopped as one list in the order of ARNs, page by page", async () => {
    const { rig, arns } = await running(6);
    for (const task of arns) await rig.call("StopTask", { task });
    for (const task of arns.slice(0, 3)) await rig.call("SubmitTaskStateChange", { task, status: "STOPPED" });
    const listed: string[] = [];
    let nextToken: string | undefined;
    for (let pages = 0; pages < 6 && (pages === 0 || nextToken !== undefined); pages++) {
      const answer = await rig.call("ListTasks", { desiredStatus: "STOPPED", maxResults: 2, nextToken });
      listed.push(...(answer.taskArns ?? []));
      nextToken = answer.nextToken;
    }
    assert.deepEqual(listed, arns.toSorted());
    assert.equal(nextToken, undefined);
  });

  test("lists a service's tasks that are to stop and that have stopped as one list", async () => {
    const { rig, arns } = await running(6);
    await rig.call("CreateService", { serviceName: "web", taskDefinition: "web", desiredCount: 0 });
    const service = (await rig.call("DescribeServices", { services: ["web"] })).services?.[0];
    await arrange(rig.context, (tx) => {
      for (const [i, arn] of arns.toSorted().entries()) {
        const task = tx.tasks.get(arn);
        const lastStatus = i % 2 === 0 ? "STOPPED" : "STOPPING";
        const serviceArn = service?.serviceArn as TaskRecord["serviceArn"];
        if (task !== undefined) tx.tasks.put({ ...task, serviceArn, desiredStatus: "STOPPED", lastStatus });
      }
    });
    const input = { serviceName: "web", desiredStatus: "STOPPED", maxResults: 4 } as const;
    const first = await rig.call("ListTasks", input);
    const rest = await rig.call("ListTasks", { ...input, nextToken: first.nextToken });
    assert.deepEqual([...(first.taskArns ?? []), ...(rest.taskArns ?? [])], arns.toSorted());
    assert.deepEqual((await rig.call("ListTasks", { serviceName: "web" })).taskArns, []);
  });

  test("refuses startedBy with another filter, unknown services and instances", async () => {
    const { rig } = await running();
    await refused(
      () => rig.call("ListTasks", { startedBy: "me", family: "web" }),
      "InvalidParameterException",
      /startedBy/,
    );
    await refused(() => rig.call("ListTasks", { serviceName: "none" }), "ServiceNotFoundException");
    await refused(() => rig.call("ListTasks", { containerInstance: "none" }), "InvalidParameterException");
    await refused(() => rig.call("ListTasks", { daemonName: "x" }), "InvalidParameterException", /daemonName/);
  });
});
