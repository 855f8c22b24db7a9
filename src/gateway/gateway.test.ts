import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { abandonTask, applyReport, requestStop } from "../state/index.ts";
import { type GatewayRig, gatewayRig, INSTANCE, until } from "./testing.ts";

const rigs: GatewayRig[] = [];
after(() => Promise.all(rigs.map((rig) => rig.close())));

async function rigWith(...settings: Parameters<typeof gatewayRig>): Promise<GatewayRig> {
  const rig = await gatewayRig(...settings);
  rigs.push(rig);
  return rig;
}

const BY_USER = { stopCode: "UserInitiated", reason: "enough" } as const;
const arns = (tasks: readonly { arn: string }[]) => tasks.map((t) => t.arn).sort();

describe("an agent's ACS session", () => {
  test("is recorded with what the agent says of itself, and its end too", async () => {
    const rig = await rigWith();
    const agent = await rig.connect();
    await until(() => rig.instance().agentConnected, "agentConnected");
    const { agentVersion, dockerVersion, address } = rig.instance();
    assert.deepEqual([agentVersion, dockerVersion, address], ["1.2.3", "DockerVersion: 27.0", "127.0.0.1"]);
    assert.deepEqual(rig.gateway.connectedInstances(), [INSTANCE.arn]);
    agent.socket.close();
    await until(() => !rig.instance().agentConnected, "agentConnected false");
    assert.ok(rig.gateway.lastHeard(INSTANCE.arn) !== undefined);
  });

  test("brings tasks in one payload per commit, marks them delivered when acknowledged, and does not repeat them", async () => {
    const rig = await rigWith();
    const agent = await rig.connect();
    await agent.expect("TaskManifestMessage");
    const first = await rig.launch(10);
    const second = await rig.launch(10);
    const payloads = await agent.expect("PayloadMessage", 2);
    assert.deepEqual(
      payloads.map((p) => arns(p.tasks)),
      [arns(first), arns(second)],
    );
    assert.ok(payloads[1].seqNum > payloads[0].seqNum);
    assert.equal(rig.task(first[0]!.arn).delivered.start, false);
    for (const { messageId } of payloads) agent.say("AckRequest", { messageId });
    await until(() => [...first, ...second].every((t) => rig.task(t.arn).delivered.start), "delivered");
    assert.equal(agent.of("PayloadMessage").length, 2);
  });

  test("brings on a new connection, byte for byte, what was not acknowledged on the last", async () => {
    const rig = await rigWith();
    const before = await rig.connect();
    await rig.launch(3);
    const [lost] = await before.expect("PayloadMessage");
    before.socket.terminate();
    const agent = await rig.connect();
    const [manifest] = await agent.expect("TaskManifestMessage");
    const [again] = await agent.expect("PayloadMessage");
    const text = (tasks: readonly { arn: string }[]) => tasks.map((t) => JSON.stringify(t)).sort();
    assert.deepEqual(text(again.tasks), text(lost.tasks));
    assert.ok(manifest.timeline > lost.seqNum && again.seqNum > manifest.timeline, "numbers only rise");
  });

  test("brings all that waits for a host that was away, ten tasks at a time", async () => {
    const rig = await rigWith();
    await rig.launch(25);
    const agent = await rig.connect();
    const payloads = await agent.expect("PayloadMessage", 3);
    assert.deepEqual(
      payloads.map((p) => p.tasks.length),
      [10, 10, 5],
    );
  });

  test("sends no more payloads than may go unacknowledged, and goes on when one is acknowledged", async () => {
    const rig = await rigWith({ maxUnacknowledged: 2 });
    await rig.launch(30);
    const agent = await rig.connect();
    const [first] = await agent.expect("PayloadMessage", 2);
    agent.say("HeartbeatAckRequest", { messageId: "x" });
    assert.equal(agent.of("PayloadMessage").length, 2);
    agent.say("AckRequest", { messageId: first.messageId });
    await agent.expect("PayloadMessage", 3);
  });

  test("tells to stop without the containers, also a task that was never started there", async () => {
    const rig = await rigWith();
    const [task] = await rig.launch(1);
    await rig.store.transact("stop", (tx) => void requestStop(tx, tx.tasks.get(task!.arn)!, BY_USER, 1));
    const agent = await rig.connect();
    const [payload] = await agent.expect("PayloadMessage");
    assert.deepEqual(payload.tasks, [{ arn: task!.arn, taskClusterArn: task!.clusterArn, desiredStatus: "STOPPED" }]);
    agent.say("AckRequest", { messageId: payload.messageId });
    await until(() => rig.task(task!.arn).delivered.stop, "delivered.stop");
  });

  test("confirms the stop only of tasks that are not to run there", async () => {
    const rig = await rigWith();
    const [kept, lost] = await rig.launch(2);
    await rig.store.transact("abandon", (tx) => void abandonTask(tx, tx.tasks.get(lost!.arn)!, BY_USER, 1));
    const agent = await rig.connect();
    const [manifest] = await agent.expect("TaskManifestMessage");
    assert.deepEqual(
      manifest.tasks.map((t: { taskArn: string; desiredStatus: string }) => [t.taskArn, t.desiredStatus]),
      [[kept!.arn, "RUNNING"]],
    );
    const unknown = kept!.arn.replace(/.{32}$/, "f".repeat(32));
    agent.say("TaskStopVerificationMessage", {
      messageId: manifest.messageId,
      stopCandidates: [kept!.arn, lost!.arn, unknown].map((taskArn) => ({ taskArn, desiredStatus: "STOPPED" })),
    });
    const [answer] = await agent.expect("TaskStopVerificationAck");
    assert.equal(answer.messageId, manifest.messageId);
    assert.deepEqual(
      answer.stopTasks.map((t: { taskArn: string }) => t.taskArn),
      [lost!.arn, unknown],
    );
  });

  test("is connected again when a silent agent is heard, and is told what it missed", async () => {
    const rig = await rigWith({ pingMs: 20 });
    const agent = await rig.connect();
    await agent.expect("TaskManifestMessage");
    agent.socket.pause();
    await rig.gateway.declareSilent(INSTANCE.arn);
    assert.equal(rig.instance().agentConnected, false);
    agent.socket.resume();
    await until(() => rig.instance().agentConnected, "agentConnected");
    await agent.expect("TaskManifestMessage", 2);
  });

  test("gives way to a newer one of the same instance, which stays recorded", async () => {
    const rig = await rigWith();
    const first = await rig.connect();
    await first.expect("TaskManifestMessage");
    const second = await rig.connect();
    await until(() => first.closed !== undefined, "the first is closed");
    await second.expect("TaskManifestMessage");
    await rig.launch(1);
    await second.expect("PayloadMessage");
    assert.equal(rig.instance().agentConnected, true);
  });

  test("ends when the agent does not answer pings, or does not read", async () => {
    const silent = await rigWith({ pingMs: 10, maxUnansweredPings: 5 });
    (await silent.connect()).socket.pause();
    await until(() => silent.gateway.connectedInstances().length === 0, "a silent agent's session ends");

    const slow = await rigWith({ maxBufferedBytes: 200_000, maxUnacknowledged: 10_000 });
    const agent = await slow.connect();
    await agent.expect("TaskManifestMessage");
    agent.socket.pause();
    for (let i = 0; i < 300 && slow.gateway.connectedInstances().length > 0; i++) await slow.launch(100);
    assert.deepEqual(slow.gateway.connectedInstances(), []);
  });

  test("of a deregistered instance tells the agent to stop everything, and ends", async () => {
    const rig = await rigWith();
    const [task] = await rig.launch(1);
    const agent = await rig.connect();
    await agent.expect("PayloadMessage");
    await rig.store.transact("deregister", (tx) => {
      abandonTask(tx, tx.tasks.get(task!.arn)!, BY_USER, 1);
      tx.containerInstances.put({ ...tx.containerInstances.get(INSTANCE.arn)!, status: "INACTIVE" });
    });
    const [, manifest] = await agent.expect("TaskManifestMessage", 2);
    assert.deepEqual(manifest.tasks, []);
    agent.say("TaskStopVerificationMessage", {
      messageId: manifest.messageId,
      stopCandidates: [{ taskArn: task!.arn, desiredStatus: "STOPPED" }],
    });
    const [answer] = await agent.expect("TaskStopVerificationAck");
    assert.equal(answer.stopTasks[0].taskArn, task!.arn);
    await until(() => agent.closed !== undefined, "the session is closed");
    assert.match(agent.closed!.reason, /InactiveInstanceException/);
    await assert.rejects(rig.connect(), /400 \{"InactiveInstanceException":/);
  });

  test("survives frames that are no messages", async () => {
    const rig = await rigWith();
    const agent = await rig.connect();
    for (const text of ["", "{", "[]", '{"type":7}', '{"type":"Nonsense","message":{}}', '{"type":"AckRequest"}']) {
      agent.socket.send(text);
    }
    agent.socket.send(Buffer.from([1, 2, 3]));
    await rig.launch(1);
    await agent.expect("PayloadMessage");
    assert.equal(agent.closed, undefined);
  });
});

test("the server's own end is not recorded as the agents' absence", async () => {
  const rig = await gatewayRig();
  const agent = await rig.connect();
  await until(() => rig.instance().agentConnected, "agentConnected");
  await rig.gateway.close();
  await until(() => agent.closed !== undefined, "closed");
  assert.equal(agent.closed!.code, 1001);
  assert.equal(rig.instance().agentConnected, true);
  await rig.close();
});

test("an upgrade is refused without a right signature, for an unknown instance, cluster or path", async () => {
  const rig = await rigWith();
  await assert.rejects(rig.connect({ unsigned: true }), /400 \{"MissingAuthenticationTokenException":/);
  await assert.rejects(rig.connect({ secretAccessKey: "other" }), /400 \{"InvalidSignatureException":/);
  await assert.rejects(
    rig.connect({ query: { containerInstanceArn: INSTANCE.arn.replace(/1{32}$/, "2".repeat(32)) } }),
    /400 \{"InvalidInstanceException":/,
  );
  await assert.rejects(rig.connect({ query: { clusterArn: "other" } }), /400 \{"InvalidClusterException":/);
  await assert.rejects(rig.connect({ path: "/other/ws" }), /404 /);
  assert.deepEqual(rig.gateway.connectedInstances(), []);
});

test("an agent's TCS session takes in health, and acknowledges metrics and instance status", async () => {
  const rig = await rigWith();
  const [task] = await rig.launch(1);
  await rig.store.transact("run", (tx) => void applyReport(tx, tx.tasks.get(task!.arn)!, RUNNING, 1));
  const agent = await rig.connect({ path: "/tcs/ws" });
  await agent.expect("HeartbeatMessage");
  const metadata = { cluster: "default", containerInstance: INSTANCE.arn };
  const head = "Authorization: AWS4-HMAC-SHA256 x\r\nX-Amz-Date: y\r\n\r\n";
  const containers = [{ containerName: "web", healthStatus: "HEALTHY", statusSince: 1 }];
  agent.say("PublishHealthRequest", { metadata, timestamp: 1, tasks: [{ taskArn: task!.arn, containers }] }, head);
  await agent.expect("AckPublishHealth");
  await until(() => rig.task(task!.arn).healthStatus === "HEALTHY", "HEALTHY");
  const sick = [{ containerName: "web", healthStatus: "UNHEALTHY", healthOutput: "refused", statusSince: 2 }];
  agent.say(
    "PublishHealthRequest",
    { metadata, timestamp: 2, tasks: [{ taskArn: task!.arn, containers: sick }] },
    head,
  );
  await agent.expect("AckPublishHealth");
  await until(() => rig.task(task!.arn).healthStatus === "UNHEALTHY", "UNHEALTHY");
  assert.equal(rig.task(task!.arn).containers[0]?.healthOutput, "refused");
  agent.say("PublishMetricsRequest", { metadata, timestamp: 1 }, head);
  await agent.expect("AckPublishMetric");
  agent.say("PublishInstanceStatusRequest", { metadata, statuses: [{ type: "ContainerRuntime", status: "OK" }] });
  await agent.expect("AckPublishInstanceStatus");
});

const RUNNING = { status: "RUNNING", containers: [{ name: "web", lastStatus: "RUNNING" }] } as const;
