import assert from "node:assert/strict";
import { test } from "node:test";
import type { LoadBalancerRecord, TargetRecord } from "../../model/load-balancer.ts";
import { BALANCER, codes, fillWithTraffic, GROUP, sampleOf } from "../../telemetry/testing.ts";
import { arrange, refused, TEST_CALL, TEST_START, testContext } from "../ecs/testing.ts";
import { describeTraffic } from "./describe-traffic.ts";

/** A load balancer `web` that forwards to as many targets as given, the first with a task, and one without listeners. */
async function rig(targets = 2) {
  const context = await testContext();
  await arrange(context, (tx) => {
    tx.loadBalancers.put({
      arn: `${BALANCER}2`,
      name: "idle",
      type: "network",
      attributes: {},
    } as unknown as LoadBalancerRecord);
    fillWithTraffic(tx, {});
    for (let n = 0; n < targets; n += 1) {
      const state = n === 1 ? "unhealthy" : "healthy";
      const taskArn = n === 0 ? "arn:task" : undefined;
      tx.targets.put({ targetGroupArn: GROUP, id: `t${n}`, port: 80, state, taskArn, registeredAt: 1 } as TargetRecord);
    }
  });
  const describe = (input: Parameters<typeof describeTraffic>[1] = {}) => describeTraffic(context, input, TEST_CALL);
  return { context, describe };
}

test("figures are those of the seconds that are over, by listener, target group and target", async () => {
  const { context, describe } = await rig();
  const latency = { sumMs: 40, buckets: { 4: 10 } };
  const sample = sampleOf(
    TEST_START,
    { requests: 20, connections: 10, answers: codes({ "2xx": 10, "3xx": 10 }), latency, activeConnections: 4 },
    {
      requests: 10,
      targetAnswers: codes({ "2xx": 10 }),
      answers: codes({ "2xx": 10 }),
      ownAnswers: codes({ "5xx": 5 }),
      latency,
    },
    { t1: { requests: 10, answers: codes({ "2xx": 10 }), active: 1, latency } },
  );
  context.telemetry.take(sample);
  context.clock.advance(1000);
  context.telemetry.take({ ...sample, at: TEST_START + 1000 });
  context.clock.advance(500);
  const { seconds, loadBalancers } = await describe();
  assert.equal(seconds, 10);
  assert.deepEqual(
    loadBalancers.map(({ name }) => name),
    ["idle", "web"],
  );
  const web = loadBalancers[1];
  assert.equal(web?.figures.requestsPerSecond, 2);
  assert.deepEqual(
    [web?.figures.answers2xxPerSecond, web?.figures.answers3xxPerSecond, web?.figures.active],
    [1, 1, 4],
  );
  assert.deepEqual([web?.listeners[0]?.protocol, web?.listeners[0]?.figures.connectionsPerSecond], ["HTTP", 1]);
  const group = web?.targetGroups[0];
  assert.deepEqual([group?.name, group?.healthyTargets, group?.unhealthyTargets], ["hello", 1, 1]);
  assert.deepEqual([group?.figures.answers2xxPerSecond, group?.figures.answers5xxPerSecond], [1, 0.5]);
  assert.deepEqual(
    group?.targets.map(({ id, health, taskArn, figures }) => [id, health, taskArn, figures.requestsPerSecond]),
    [
      ["t1", "unhealthy", undefined, 1],
      ["t0", "healthy", "arn:task", 0],
    ],
  );
  assert.equal(group?.targets[0]?.figures.responseTimeP99, 0.004);
  assert.equal(group?.targets[1]?.figures.responseTimeP99, undefined);
});

test("load balancers are chosen by name or ARN, and one that is not there is refused", async () => {
  const { describe } = await rig();
  for (const name of ["web", BALANCER])
    assert.equal((await describe({ loadBalancers: [name] })).loadBalancers[0]?.loadBalancerArn, BALANCER);
  await refused(
    () => describe({ loadBalancers: ["web", "wob"] }),
    "ResourceNotFoundException",
    "There is no load balancer wob.",
  );
});

test("only so many seconds, names and targets", async () => {
  const { describe } = await rig(103);
  for (const seconds of [0, 171, 1.5])
    await refused(
      () => describe({ seconds }),
      "InvalidParameterException",
      "seconds must be a whole number from 1 to 170.",
    );
  await refused(() => describe({ loadBalancers: Array(21).fill("web") }), "InvalidParameterException");
  const group = (await describe({ seconds: 170 })).loadBalancers[1]?.targetGroups[0];
  assert.deepEqual([group?.targets.length, group?.targetsLeftOut], [100, 3]);
});
