import assert from "node:assert/strict";
import { test } from "node:test";
import type { BalancerStatus, TargetReport } from "../../balancer/index.ts";
import type { TargetGroupArn } from "../../wire/arn.ts";
import { arrange, refused, TEST_CALL, testContext } from "../ecs/testing.ts";
import { berthOperations } from "./index.ts";

const GROUP = "arn:group" as TargetGroupArn;
const STATUS: BalancerStatus = {
  pid: 7,
  version: "2.6.12",
  generation: 3,
  failedListeners: [{ listenerId: "arn:listener", error: "in use" }],
  lastError: "a full disk",
};

/** Balancers a and b, of which a is connected. */
async function bench() {
  const context = await testContext();
  await arrange(context, (tx) => {
    for (const name of ["b", "a"])
      tx.balancers.put({ name, address: "10.0.0.1", connected: true, registeredAt: 1, connectedChangedAt: 2 });
    const target = { targetGroupArn: GROUP, id: "10.0.0.7", registeredAt: 5 };
    tx.targets.put({ ...target, port: 80, state: "healthy" });
    tx.targets.put({ ...target, port: 81, state: "unhealthy" });
  });
  const status = (name: string) => (name === "a" ? STATUS : undefined);
  // One that others reach, one that they do not, one that it reaches, and one that is not there any more.
  const says = (targetId: string, state: TargetReport["state"]) => ({
    targetGroupId: GROUP,
    targetId,
    state,
    sessions: 0,
  });
  const reports = () => [
    says("10.0.0.7:80@5", "unhealthy"),
    says("10.0.0.7:81@5", "unhealthy"),
    says("10.0.0.7:80@5", "healthy"),
    says("10.0.0.7:80@4", "unhealthy"),
  ];
  const dropped: string[] = [];
  const drop = (name: string) => void dropped.push(name);
  return { ...context, dropped, balancer: { ...context.balancer, status, reports, drop } };
}

test("ListBalancers tells of each how it is, and of one that is away that it is", async () => {
  const known = { address: "10.0.0.1", connectedChangedAt: new Date(2) };
  assert.deepEqual(await berthOperations.ListBalancers(await bench(), {}, TEST_CALL), {
    balancers: [
      {
        ...known,
        name: "a",
        connected: true,
        haproxyVersion: "2.6.12",
        failedListeners: [{ listenerArn: "arn:listener", error: "in use" }],
        unreachedTargets: 1,
        problem: "a full disk",
      },
      {
        ...known,
        name: "b",
        connected: false,
        haproxyVersion: undefined,
        failedListeners: [],
        unreachedTargets: 0,
        problem: undefined,
      },
    ],
  });
});

test("RemoveBalancer forgets one that is away, and refuses one that is there or not known", async () => {
  const context = await bench();
  const remove = (name: string) => berthOperations.RemoveBalancer(context, { name }, TEST_CALL);
  await refused(() => remove("a"), "InvalidParameterException", /Balancer a is connected: end `berth balancer`/);
  assert.deepEqual(context.dropped, []);
  await refused(() => remove("c"), "ResourceNotFoundException", "There is no balancer c.");
  await remove("b");
  assert.deepEqual(
    [...context.store.view.balancers.all()].map(({ name }) => name),
    ["a"],
  );
});

test("RemoveBalancer ends the session of one that is there by force, and the server's own never", async () => {
  const context = await bench();
  const remove = (name: string) => berthOperations.RemoveBalancer(context, { name, force: true }, TEST_CALL);
  await remove("a");
  assert.deepEqual(context.dropped, ["a"]);
  const own = { ...context, balancer: { ...context.balancer, status: () => STATUS } };
  await refused(
    () => berthOperations.RemoveBalancer(own, { name: "server", force: true }, TEST_CALL),
    "InvalidParameterException",
    /--haproxy none/,
  );
});
