import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { TaskEngine } from "../engine/engine.ts";
import { newTask } from "../engine/new-task.ts";
import type { TaskRecord } from "../engine/task-record.ts";
import type { PayloadTask } from "../payload/task-payload.ts";
import { memoryState } from "../testing/memory-state.ts";
import { acsReceiver } from "./acs.ts";

const ARN = (id: string) => `arn:aws:ecs:r:1:task/c/${id}`;
const where = { clusterArn: "c", containerInstanceArn: "i" };

/** `disk` is awaited by everything that is to be made durable, one thing after the other. */
function bench(known: readonly string[] = [], disk: Promise<void> = Promise.resolve()) {
  const sent: { type: string; message: Record<string, unknown> }[] = [];
  const accepted: PayloadTask[] = [];
  const told: string[] = [];
  const tasks = new Map<string, TaskRecord>(
    known.map((id) => [
      ARN(id),
      newTask({ arn: ARN(id), containers: [{ name: "a", image: "i" }] } as never, 1, seededRandom(1)),
    ]),
  );
  let fails = false;
  const failNow = () => {
    fails = true;
  };
  const engine = {
    accept: async (entries: readonly PayloadTask[]) => {
      await disk;
      if (fails) throw new Error("disk full");
      accepted.push(...entries);
      for (const it of entries) if (it.kind === "start") tasks.set(it.arn, newTask(it.task, 1, seededRandom(1)));
      return { unknownStops: entries.flatMap((it) => (it.kind === "stop" && !tasks.has(it.arn) ? [it.arn] : [])) };
    },
    tasks: () => tasks.values(),
    task: (arn: string) => tasks.get(arn),
  } as unknown as TaskEngine;
  const state = memoryState();
  const receiver = acsReceiver({
    engine,
    state,
    log: silentLog(),
    send: (type, message) => void sent.push({ type, message: message as Record<string, unknown> }),
    tellStopped: (arn, reason) => void told.push(`${arn} ${reason}`),
    onHeartbeat: () => undefined,
    taskLogs: async ({ messageId }) => ({ messageId, events: [], offset: 0 }),
  });
  return { receiver, sent, accepted, told, state, failNow };
}
const good = { arn: ARN("new"), desiredStatus: "RUNNING", containers: [{ name: "a", image: "i" }] };

test("a payload is acknowledged once all its tasks are durable, with each execution role's credentials", async () => {
  const { receiver, sent, accepted } = bench();
  const role = { executionRoleCredentials: { credentialsId: "cred", expiration: "e" } };
  await receiver.receive("PayloadMessage", { ...where, messageId: "m", seqNum: 2, tasks: [{ ...good, ...role }] });
  assert.equal(accepted.length, 1);
  assert.deepEqual(sent, [
    { type: "AckRequest", message: { cluster: "c", containerInstance: "i", messageId: "m" } },
    { type: "IAMRoleCredentialsAckRequest", message: { messageId: "m", credentialsId: "cred", expiration: "e" } },
  ]);
});

test("a payload that could not be made durable, or holds a task of a wrong shape, is not acknowledged", async () => {
  const broken = bench();
  await broken.receiver.receive("PayloadMessage", {
    ...where,
    messageId: "m",
    tasks: [good, { ...good, arn: ARN("bad"), containers: [] }],
  });
  assert.deepEqual(broken.sent, []);
  assert.match(broken.told[0] ?? "", /bad UnrecogniedTaskError: Error loading task - /);
  const full = bench();
  full.failNow();
  await full.receiver.receive("PayloadMessage", { ...where, messageId: "m", tasks: [good] });
  assert.deepEqual(full.sent, []);
});

test("a stop of an unknown task is answered with STOPPED", async () => {
  const { receiver, told } = bench();
  await receiver.receive("PayloadMessage", {
    ...where,
    messageId: "m",
    tasks: [{ arn: ARN("x"), desiredStatus: "STOPPED" }],
  });
  assert.deepEqual(told, [`${ARN("x")} TaskStateError: Agent could not progress task's state to stopped`]);
});

test("tasks that a manifest does not list are asked about, and stopped only if the answer says so, once", async () => {
  const { receiver, sent, accepted, state } = bench(["keep", "drop", "spare"]);
  const manifest = (messageId: string, timeline: number) =>
    receiver.receive("TaskManifestMessage", {
      ...where,
      messageId,
      timeline,
      tasks: [
        { taskArn: ARN("keep"), desiredStatus: "RUNNING" },
        { taskArn: ARN("drop"), desiredStatus: "STOPPED" },
      ],
    });
  await manifest("m1", 5);
  const asked = sent.at(-1)!;
  assert.equal(asked.type, "TaskStopVerificationMessage");
  assert.deepEqual(
    (asked.message.stopCandidates as { taskArn: string }[]).map((it) => it.taskArn),
    [ARN("drop"), ARN("spare")],
  );
  const ack = {
    messageId: "m1",
    stopTasks: [
      { taskArn: ARN("drop"), desiredStatus: "STOPPED" },
      { taskArn: ARN("keep"), desiredStatus: "STOPPED" },
    ],
  };
  await receiver.receive("TaskStopVerificationAck", ack);
  await receiver.receive("TaskStopVerificationAck", ack);
  assert.deepEqual(
    accepted,
    [{ kind: "stop", arn: ARN("drop") }],
    "keep was not asked about; the second answer is stale",
  );
  assert.equal(state.identity().latestSeqNum, 5);
  const before = sent.length;
  await manifest("m2", 5);
  assert.equal(sent.length, before, "an outdated manifest says nothing");
});

test("a manifest is held against the tasks of the payloads before it, though they are not durable yet", async () => {
  const disk = Promise.withResolvers<void>();
  const { receiver, sent } = bench([], disk.promise);
  const payload = receiver.receive("PayloadMessage", { ...where, messageId: "p", seqNum: 2, tasks: [good] });
  const manifest = receiver.receive("TaskManifestMessage", { ...where, messageId: "m", timeline: 3, tasks: [] });
  disk.resolve();
  await Promise.all([payload, manifest]);
  const asked = sent.find((it) => it.type === "TaskStopVerificationMessage");
  const candidates = asked?.message.stopCandidates as { taskArn: string }[] | undefined;
  assert.deepEqual(
    candidates?.map((it) => it.taskArn),
    [ARN("new")],
  );
});

test("heartbeats are answered, updates refused, and anything else dropped", async () => {
  const { receiver, sent } = bench();
  await receiver.receive("HeartbeatMessage", { healthy: true, messageId: "h" });
  await receiver.receive("StageUpdateMessage", { ...where, messageId: "u" });
  for (const junk of [null, 3, "x", [], {}, { messageId: 3 }]) {
    await receiver.receive("PayloadMessage", junk);
    await receiver.receive("TaskManifestMessage", junk);
    await receiver.receive("NoSuchMessage", junk);
    await receiver.receive("constructor", junk);
  }
  assert.deepEqual(
    sent.map((it) => it.type),
    ["HeartbeatAckRequest", "NackRequest"],
  );
});
