import assert from "node:assert/strict";
import { test } from "node:test";
import type { TargetRecord } from "../model/load-balancer.ts";
import type { ContainerRecord, TaskRecord } from "../model/task.ts";
import type { TargetGroupArn } from "../wire/arn.ts";
import { assessHealth } from "./health.ts";
import { testInstance, testTask } from "./testing.ts";

const GROUP = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/0123456789abcdef" as TargetGroupArn;
const OTHER = GROUP.replace("/web/", "/api/") as TargetGroupArn;
const lb = (targetGroupArn: string) => ({ targetGroupArn, containerName: "web", containerPort: 80 });
const target = (state: TargetRecord["state"], over: Partial<TargetRecord> = {}): TargetRecord => ({
  targetGroupArn: GROUP,
  id: "i-1",
  port: 32768,
  state,
  registeredAt: 0,
  ...over,
});
const checked = [{ name: "web", essential: true, checksHealth: true } as ContainerRecord];

function stateOf(task: Partial<TaskRecord>, targets: readonly TargetRecord[], now: number, graceSeconds = 0) {
  return assessHealth({ task: testTask(1, task), targets }, graceSeconds, { healthyAfterMs: 40_000 }, now);
}

test("[DP2] what counts as healthy, by what there is to ask", () => {
  const both = { containers: checked, loadBalancers: [lb(GROUP)] };
  const two = { loadBalancers: [lb(GROUP), lb(OTHER)] };
  const rows: [string, Partial<TaskRecord>, TargetRecord[], number, string][] = [
    ["nothing, before 40 s", {}, [], 39_999, "running"],
    ["nothing, after 40 s", {}, [], 40_000, "healthy"],
    ["not RUNNING", { lastStatus: "PENDING", startedAt: undefined }, [], 90_000, "starting"],
    ["a check without an answer", { containers: checked }, [], 90_000, "running"],
    ["a check that passed", { containers: checked, healthStatus: "HEALTHY" }, [], 0, "healthy"],
    ["a target that is not there", { loadBalancers: [lb(GROUP)] }, [], 90_000, "running"],
    ["a target that is initial", { loadBalancers: [lb(GROUP)] }, [target("initial")], 90_000, "running"],
    ["a target of an unused group", { loadBalancers: [lb(GROUP)] }, [target("unused")], 90_000, "running"],
    ["a healthy target", { loadBalancers: [lb(GROUP)] }, [target("healthy")], 0, "healthy"],
    ["one of two groups", two, [target("healthy")], 0, "running"],
    ["both groups", two, [target("healthy"), target("healthy", { targetGroupArn: OTHER })], 0, "healthy"],
    ["a target, and a check without an answer", both, [target("healthy")], 0, "running"],
    ["both good", { ...both, healthStatus: "HEALTHY" }, [target("healthy")], 0, "healthy"],
    ["an unhealthy target", { loadBalancers: [lb(GROUP)] }, [target("unhealthy")], 0, "unhealthy"],
    ["a failed check", { containers: checked, healthStatus: "UNHEALTHY" }, [], 0, "unhealthy"],
  ];
  for (const [what, task, targets, now, state] of rows) assert.equal(stateOf(task, targets, now).state, state, what);
});

test("[DP3] bad health counts only when the grace period after the start is over", () => {
  const task = { loadBalancers: [lb(GROUP)], startedAt: 5000 };
  const within = stateOf(task, [target("unhealthy")], 64_999, 60);
  assert.deepEqual([within.state, within.changesAt], ["running", 65_000]);
  assert.equal(stateOf(task, [target("unhealthy")], 65_000, 60).state, "unhealthy");
  assert.equal(stateOf(task, [target("healthy")], 6000, 60).state, "healthy", "good health counts at once");
});

test("[DP4] an unhealthy task says why, in ECS's words", () => {
  const description = "Health checks failed with these codes: [503]";
  const { stoppedReason, event } = stateOf({ loadBalancers: [lb(GROUP)] }, [target("unhealthy", { description })], 0);
  assert.equal(stoppedReason, `Task failed ELB health checks in (target-group ${GROUP})`);
  assert.equal(
    event,
    `(task ${"1".padStart(32, "0")}) (port 32768) is unhealthy in (target-group ${GROUP}) due to (reason ${description}).`,
  );
});

test("[DP18] bad health on a host whose agent is not connected is left to what watches hosts", () => {
  const task = testTask(1, { loadBalancers: [lb(GROUP)] });
  const of = (agentConnected: boolean) =>
    assessHealth(
      { task, targets: [target("unhealthy")], instance: testInstance(1, { agentConnected }) },
      0,
      { healthyAfterMs: 40_000 },
      90_000,
    ).state;
  assert.deepEqual([of(true), of(false)], ["unhealthy", "running"]);
});

test("[DP18] a target of a host that was away is bad only when the load balancer had time to find it healthy", () => {
  const task = testTask(1, { loadBalancers: [lb(GROUP)], startedAt: 0 });
  const at = (now: number, targets: TargetRecord[], of: Partial<TaskRecord> = {}) =>
    assessHealth(
      { task: { ...task, ...of }, targets, instance: testInstance(1), targetsCountFrom: 100_000 },
      0,
      { healthyAfterMs: 40_000 },
      now,
    );
  assert.deepEqual(at(99_999, [target("unhealthy")]), { state: "running", well: false, changesAt: 100_000 });
  assert.equal(at(100_000, [target("unhealthy")]).state, "unhealthy");
  assert.equal(at(99_999, [target("healthy")]).state, "healthy");
  assert.equal(at(99_999, [target("healthy")], { healthStatus: "UNHEALTHY" }).state, "unhealthy", "its agent says so");
});

test("[DP18] bad health on a host that is not heard is looked at again a second later", () => {
  const task = testTask(1, { loadBalancers: [lb(GROUP)] });
  const of = (isHostSilent: boolean) =>
    assessHealth(
      { task, targets: [target("unhealthy")], instance: testInstance(1), isHostSilent },
      0,
      { healthyAfterMs: 40_000 },
      90_000,
    );
  assert.deepEqual(of(true), { state: "running", well: false, changesAt: 91_000 });
  assert.equal(of(false).state, "unhealthy");
});
