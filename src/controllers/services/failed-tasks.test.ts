import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { applyReport, beginServiceDeployment, launchTask, newTask } from "../../state/index.ts";
import { MemoryDisk } from "../../store/index.ts";
import {
  CLUSTER_ARN,
  emptyHost,
  messages,
  newService,
  putWorld,
  SERVICE_ARN,
  type TestPlane,
  testDefinition,
  testPlane,
} from "../testing.ts";
import {
  GIVE_UP_MS,
  LAST_LINES,
  type LastLines,
  LINE_LENGTH,
  type LogReader,
  printable,
  startFailedTasksController,
} from "./failed-tasks.ts";

/** A service whose deployment was given up because of a task that exited with 3. */
async function tripped(disk: MemoryDisk, clock: ManualClock, exitCode: number | null = 3): Promise<TestPlane> {
  const plane = await clock.during(testPlane(clock, disk));
  await clock.during(putWorld(plane.store, 1));
  await clock.during(
    plane.store.transact("trip", (tx) => {
      const order = {
        clusterArn: CLUSTER_ARN,
        definition: testDefinition(1),
        instance: emptyHost(1),
        group: "service:web",
        serviceArn: SERVICE_ARN,
        deploymentId: "ecs-svc/1",
        tags: {},
      };
      const task = launchTask(tx, newTask(order, { now: clock.now(), random: plane.context.random }));
      const containers = [
        { name: "web", lastStatus: "STOPPED" as const, exitCode: exitCode ?? undefined, runtimeId: "c1" },
      ];
      if (exitCode !== null) applyReport(tx, task, { status: "RUNNING", containers: [] }, clock.now());
      applyReport(
        tx,
        tx.tasks.get(task.arn)!,
        { status: "STOPPED", containers: exitCode === null ? [] : containers },
        clock.now(),
      );
      const began = beginServiceDeployment(tx, newService({}), testDefinition(1), { id: "d", now: clock.now() });
      tx.services.put(began);
      const record = tx.serviceDeployments.get(began.currentServiceDeploymentArn ?? "");
      const failedTask = { taskArn: task.arn, since: clock.now(), isTold: false };
      tx.serviceDeployments.put({ ...record!, status: "STOPPED", failedTask });
    }),
  );
  return plane;
}

/** Answers the given things in turn, the last one again and again, and counts. */
function reader(...answers: LastLines[]): LogReader & { asked: number } {
  return {
    asked: 0,
    async lastLines() {
      return answers[Math.min(this.asked++, answers.length - 1)]!;
    },
  };
}

const LINES: LastLines = { kind: "lines", lines: ["starting", "\u001b[31mno database\u001b[0m"] };

test("[DP37] the task's end and its last lines are one event, without control characters, told once", async () => {
  const clock = new ManualClock(1_000_000);
  const plane = await tripped(new MemoryDisk(), clock);
  const logs = reader(LINES);
  const controller = startFailedTasksController(plane.context, logs);
  await clock.pass(100);
  const [said, ...others] = messages(plane.store);
  assert.match(
    said ?? "",
    /^\(deployment ecs-svc\/1\) \(task [0-9a-f]{32}\) failed: Essential container in task exited \(container web, exit code 3\)\. The last lines that it logged:\n {2}starting\n {2}no database$/,
  );
  assert.deepEqual(others, []);
  await clock.pass(10 * GIVE_UP_MS);
  assert.equal(logs.asked, 1);
  await clock.during(controller.stop());
});

test("[DP37] a host that cannot be asked is asked again, and a control plane that starts anew goes on and repeats nothing", async () => {
  const clock = new ManualClock(1_000_000);
  const disk = new MemoryDisk();
  const first = await tripped(disk, clock);
  const silent = reader({ kind: "later", why: "busy" });
  const before = startFailedTasksController(first.context, silent);
  await clock.pass(5_000);
  assert.ok(silent.asked >= 2);
  assert.deepEqual(messages(first.store), []);
  first.kill();
  await clock.during(before.stop());
  for (const expected of [1, 0]) {
    const plane = await clock.during(testPlane(clock, disk));
    const logs = reader(LINES);
    const controller = startFailedTasksController(plane.context, logs);
    await clock.pass(100);
    assert.equal(logs.asked, expected);
    assert.equal(messages(plane.store).length, 1);
    await clock.during(controller.stop());
    plane.kill();
  }
});

test("[DP37] after a minute the event says why there are no lines, and at once where there never will be any", async () => {
  for (const [answer, waits] of [
    [{ kind: "later", why: "its agent is not connected" }, true],
    [{ kind: "never", why: "its agent is not connected" }, false],
  ] as const) {
    const clock = new ManualClock(1_000_000);
    const plane = await tripped(new MemoryDisk(), clock);
    const controller = startFailedTasksController(plane.context, reader(answer));
    await clock.pass(GIVE_UP_MS - 5_000);
    assert.equal(messages(plane.store).length, waits ? 0 : 1);
    await clock.pass(10_000);
    assert.match(
      messages(plane.store)[0] ?? "",
      /\(container web, exit code 3\)\. Its log cannot be read: its agent is not connected\.$/,
    );
    await clock.during(controller.stop());
  }
});

test("[DP37] a task whose container never started has logged nothing, and nobody is asked", async () => {
  const clock = new ManualClock(1_000_000);
  const { store, context } = await tripped(new MemoryDisk(), clock, null);
  const [task] = store.view.tasks.all();
  assert.equal(task?.stopCode, "TaskFailedToStart");
  const logs = reader(LINES);
  const controller = startFailedTasksController(context, logs);
  await clock.pass(100);
  assert.match(messages(store)[0] ?? "", /It logged nothing\.$/);
  assert.equal(logs.asked, 0);
  await clock.during(controller.stop());
});

test("[DP37] lines are cut to what an event has room for, and only the last ones are shown", async () => {
  assert.equal([...printable("é".repeat(1000))].length, LINE_LENGTH);
  assert.equal(printable("a\tb\r\u0007"), "a\tb");
  const clock = new ManualClock(1_000_000);
  const { store, context } = await tripped(new MemoryDisk(), clock);
  const lines = Array.from({ length: 3 * LAST_LINES }, (_, i) => `line ${i}`);
  const controller = startFailedTasksController(context, reader({ kind: "lines", lines }));
  await clock.pass(100);
  const shown = (messages(store)[0] ?? "").split("\n").slice(1);
  assert.deepEqual(
    shown,
    lines.slice(-LAST_LINES).map((line) => `  ${line}`),
  );
  await clock.during(controller.stop());
});
