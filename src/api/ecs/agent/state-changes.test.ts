import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type TasksRig, tasksRig } from "../tasks/testing.ts";
import { refused, TEST_START } from "../testing.ts";

async function running(): Promise<{ readonly rig: TasksRig; readonly arns: string[] }> {
  const rig = await tasksRig();
  await rig.host("1");
  await rig.define("web");
  const { tasks } = await rig.call("RunTask", { taskDefinition: "web" });
  return { rig, arns: tasks?.map((t) => t.taskArn ?? "") ?? [] };
}

const one = async (rig: TasksRig, arn: string) => (await rig.call("DescribeTasks", { tasks: [arn] })).tasks?.[0];

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
