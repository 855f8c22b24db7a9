import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type TasksRig, tasksRig } from "./tasks-testing.ts";
import { refused, TEST_START } from "./testing.ts";

async function running(count = 1): Promise<{ readonly rig: TasksRig; readonly arns: string[]; readonly host: string }> {
  const rig = await tasksRig();
  const host = await rig.host("1");
  await rig.define("web");
  const { tasks } = await rig.call("RunTask", { taskDefinition: "web", count });
  return { rig, host, arns: tasks?.map((t) => t.taskArn ?? "") ?? [] };
}

const one = async (rig: TasksRig, arn: string) => (await rig.call("DescribeTasks", { tasks: [arn] })).tasks?.[0];

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

describe("an agent's reports", () => {
  test("move a task to RUNNING and STOPPED, with times, ids and exit codes", async () => {
    const { rig, arns } = await running();
    const pulled = new Date(TEST_START + 1000);
    await rig.call("SubmitTaskStateChange", {
      task: arns[0]!,
      status: "RUNNING",
      pullStartedAt: pulled,
      containers: [
        {
          containerName: "web",
          status: "RUNNING",
          runtimeId: "r",
          imageDigest: "sha256:1",
          networkBindings: [{ bindIP: "0.0.0.0", containerPort: 80, hostPort: 32768, protocol: "tcp" }],
        },
      ],
    });
    const task = await one(rig, arns[0]!);
    assert.deepEqual(
      [task?.lastStatus, task?.startedAt, task?.pullStartedAt],
      ["RUNNING", new Date(TEST_START), pulled],
    );
    assert.equal(task?.containers?.[0]?.networkBindings?.[0]?.hostPort, 32768);
    rig.context.clock.advance(5000);
    const stopped = {
      task: arns[0]!,
      status: "STOPPED",
      containers: [{ containerName: "web", status: "STOPPED", exitCode: 3 }],
    };
    await rig.call("SubmitTaskStateChange", stopped);
    rig.context.clock.advance(5000);
    await rig.call("SubmitTaskStateChange", stopped);
    const after = await one(rig, arns[0]!);
    assert.deepEqual(
      [after?.lastStatus, after?.stopCode, after?.stoppedAt, after?.containers?.[0]?.exitCode],
      ["STOPPED", "EssentialContainerExited", new Date(TEST_START + 5000), 3],
    );
  });

  test("that come late do not bring a container back, and the first reason stays", async () => {
    const { rig, arns } = await running();
    const report = (status: string, reason?: string) =>
      rig.call("SubmitContainerStateChange", { task: arns[0]!, containerName: "web", status, reason });
    await report("RUNNING");
    await report("STOPPED", "OutOfMemoryError: Container killed due to memory usage");
    await report("RUNNING", "other");
    const container = (await one(rig, arns[0]!))?.containers?.[0];
    assert.deepEqual([container?.lastStatus, container?.reason?.split(":")[0]], ["STOPPED", "OutOfMemoryError"]);
  });

  test("of a task in host mode get the ports of its definition", async () => {
    const rig = await tasksRig();
    await rig.host("1");
    await rig.define("host", { portMappings: [{ containerPort: 8080 }] }, { networkMode: "host" });
    const { tasks } = await rig.call("RunTask", { taskDefinition: "host" });
    const task = tasks?.[0]?.taskArn ?? "";
    await rig.call("SubmitTaskStateChange", {
      task,
      status: "RUNNING",
      containers: [{ containerName: "web", status: "RUNNING" }],
    });
    assert.deepEqual((await one(rig, task))?.containers?.[0]?.networkBindings, [
      { bindIP: "0.0.0.0", containerPort: 8080, hostPort: 8080, protocol: "tcp" },
    ]);
  });

  test("of what is not known are refused for good, so that the agent does not repeat them", async () => {
    const { rig, arns } = await running();
    const unknown = "0".repeat(32);
    await refused(
      () => rig.call("SubmitTaskStateChange", { task: unknown, status: "RUNNING" }),
      "InvalidParameterException",
    );
    await refused(() => rig.call("SubmitTaskStateChange", { status: "RUNNING" }), "InvalidParameterException");
    await refused(
      () => rig.call("SubmitTaskStateChange", { task: arns[0]!, status: "DANCING" }),
      "InvalidParameterException",
      /status/,
    );
    await refused(
      () => rig.call("SubmitContainerStateChange", { task: arns[0]!, containerName: "x", status: "RUNNING" }),
      "InvalidParameterException",
    );
    const attachments = [{ attachmentArn: "arn:x", status: "ATTACHED" }];
    await refused(() => rig.call("SubmitAttachmentStateChanges", { attachments }), "InvalidParameterException");
  });

  test("with a long reason are cut, not refused", async () => {
    const { rig, arns } = await running();
    await rig.call("SubmitTaskStateChange", { task: arns[0]!, status: "STOPPED", reason: "x".repeat(2000) });
    assert.equal((await one(rig, arns[0]!))?.stoppedReason?.length, 1024);
  });
});
