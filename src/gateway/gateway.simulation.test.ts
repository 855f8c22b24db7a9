import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../runtime/random.ts";
import { abandonTask, applyReport, requestStop } from "../state/index.ts";
import type { BerthTransaction } from "../store/index.ts";
import { type FakeAgent, type GatewayRig, gatewayRig, INSTANCE, type Received, until } from "./testing.ts";

const STEPS = 120;
const SEEDS = [1, 2, 3, 4];

/** What an agent keeps over connections: what it was told to run, and what it holds as ended. */
class AgentState {
  readonly running = new Set<string>();
  readonly ended = new Set<string>();
  /** Tasks whose definition came twice with different bytes. */
  readonly changed: string[] = [];
  readonly #definitions = new Map<string, string>();

  take(task: { readonly arn: string; readonly desiredStatus: string }): void {
    if (task.desiredStatus === "STOPPED") {
      this.end(task.arn);
      return;
    }
    const text = JSON.stringify(task);
    if ((this.#definitions.get(task.arn) ?? text) !== text) this.changed.push(task.arn);
    this.#definitions.set(task.arn, text);
    if (!this.ended.has(task.arn)) this.running.add(task.arn);
  }

  end(arn: string): void {
    this.running.delete(arn);
    this.ended.add(arn);
  }
}

/** Answers what comes; with `lapse` it forgets or loses its connection at any point, and is silent about it. */
function behave(agent: FakeAgent, state: AgentState, lapse: () => boolean): void {
  agent.socket.on("message", (data) => {
    const { type, message } = JSON.parse(String(data)) as Received;
    if (lapse()) return agent.socket.terminate();
    if (type === "PayloadMessage") {
      for (const task of message.tasks) state.take(task);
      if (lapse()) return agent.socket.terminate();
      if (!lapse()) agent.say("AckRequest", { messageId: message.messageId });
    }
    if (type === "TaskManifestMessage") {
      const kept = new Set(
        message.tasks
          .filter((t: { desiredStatus: string }) => t.desiredStatus === "RUNNING")
          .map((t: { taskArn: string }) => t.taskArn),
      );
      const stopCandidates = [...state.running].filter((arn) => !kept.has(arn)).map((taskArn) => ({ taskArn }));
      agent.say("TaskStopVerificationMessage", { messageId: message.messageId, stopCandidates });
    }
    if (type === "TaskStopVerificationAck") for (const { taskArn } of message.stopTasks) state.end(taskArn);
  });
}

/** The agent's reports of what it holds, as the API takes them in. */
function report(tx: BerthTransaction, state: AgentState): void {
  for (const task of tx.tasks.where("containerInstance", INSTANCE.arn)) {
    if (state.ended.has(task.arn)) applyReport(tx, task, { status: "STOPPED", containers: [] }, 1);
    else if (state.running.has(task.arn)) applyReport(tx, task, { status: "RUNNING", containers: [] }, 1);
  }
}

const live = (rig: GatewayRig) => rig.store.view.tasks.where("containerInstance", INSTANCE.arn);

/** What the seeds have tried together; how the messages interleave is up to the machine. */
const tried = { stopped: 0, abandoned: 0, connections: 0 };

for (const seed of SEEDS) {
  test(`whatever is lost on the way, host and records agree in the end (seed ${seed})`, async (t) => {
    const rig = await gatewayRig();
    t.after(() => rig.close());
    const random = seededRandom(seed);
    const state = new AgentState();
    let isReliable = false;
    const lapse = () => !isReliable && random.next() < 0.1;
    let agent: FakeAgent | undefined;
    const connect = async () => {
      agent = await rig.connect();
      behave(agent, state, lapse);
    };
    const pick = (tx: BerthTransaction) => {
      const tasks = tx.tasks.where("containerInstance", INSTANCE.arn);
      return tasks[Math.floor(random.next() * tasks.length)];
    };
    for (let step = 0; step < STEPS; step++) {
      const dice = random.next();
      if (agent === undefined || agent.closed !== undefined || dice < 0.05) {
        tried.connections++;
        await connect();
      } else if (dice < 0.4) await rig.launch(1 + Math.floor(random.next() * 10));
      else if (dice < 0.6) {
        await rig.store.transact("stop", (tx) => {
          const task = pick(tx);
          if (task === undefined) return;
          tried.stopped++;
          requestStop(tx, task, { stopCode: "UserInitiated", reason: "" }, 1);
        });
      } else if (dice < 0.65) {
        await rig.store.transact("abandon", (tx) => {
          const task = pick(tx);
          if (task === undefined) return;
          tried.abandoned++;
          abandonTask(tx, task, { stopCode: "InfrastructureHealth", reason: "" }, 1);
        });
      } else if (dice < 0.8) await rig.store.transact("report", (tx) => report(tx, state));
      else await new Promise((resolve) => setTimeout(resolve, 2));
    }
    isReliable = true;
    agent?.socket.terminate();
    await connect();
    await until(
      () => {
        const wanted = live(rig).filter((t) => t.desiredStatus === "RUNNING");
        const ending = live(rig).filter((t) => t.desiredStatus === "STOPPED");
        return (
          wanted.length === state.running.size &&
          wanted.every((t) => state.running.has(t.arn) && t.delivered.start) &&
          ending.every((t) => state.ended.has(t.arn) && t.delivered.stop)
        );
      },
      `records and agent agree: ${live(rig).length} live, ${state.running.size} running`,
    );
    await rig.store.transact("report", (tx) => report(tx, state));
    assert.deepEqual(new Set(live(rig).map((t) => t.arn)), state.running);
    assert.deepEqual(state.changed, []);
    rig.store.verify();
  });
}

test("the seeds tried stops, losses and new connections", () => {
  assert.ok(tried.stopped > 0 && tried.abandoned > 0 && tried.connections > SEEDS.length, JSON.stringify(tried));
});
