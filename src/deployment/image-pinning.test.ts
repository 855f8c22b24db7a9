import assert from "node:assert/strict";
import { test } from "node:test";
import { revisionArnOf, type ServiceRevisionRecord } from "../model/service-deployment.ts";
import type { ContainerRecord, TaskRecord } from "../model/task.ts";
import { MAX_WAITING, mayStart, mustWait, planPinning } from "./image-pinning.ts";
import { testService, testTask } from "./testing.ts";

const D = `sha256:${"0a".repeat(32)}`;
const OTHER = `sha256:${"1b".repeat(32)}`;

function revision(over: Partial<ServiceRevisionRecord> = {}): ServiceRevisionRecord {
  const service = testService();
  return {
    arn: revisionArnOf(service.arn, "ecs-svc/1"),
    serviceArn: service.arn,
    clusterArn: service.clusterArn,
    taskDefinitionArn: service.taskDefinitionArn,
    launchType: "EC2",
    loadBalancers: [],
    containerImages: [
      { containerName: "web", image: "r/web:1" },
      { containerName: "log", image: "r/log:1", versionConsistency: "disabled" },
      { containerName: "set", image: `r/set@${OTHER}`, imageDigest: OTHER },
    ],
    pinning: { attempts: 0 },
    createdAt: 0,
    ...over,
  };
}

/** A PENDING task of the revision. */
function pending(number: number, web: Partial<ContainerRecord> = {}, over: Partial<TaskRecord> = {}): TaskRecord {
  const containers = ["web", "log", "set"].map((name) => ({
    name,
    lastStatus: "PENDING",
    ...(name === "web" ? web : { imageDigest: D }),
  }));
  return testTask(number, {
    lastStatus: "PENDING",
    startedAt: undefined,
    createdAt: number,
    containers: containers as unknown as ContainerRecord[],
    ...over,
  });
}

const waiting = (number: number) => pending(number, {}, { awaitsImages: true });
const digests = (r: ServiceRevisionRecord) => r.containerImages.map((i) => i.imageDigest);

test("[DP38] until the first task has told its images, the others wait", () => {
  const it = revision();
  assert.deepEqual(planPinning(it, [pending(1), waiting(2)], []), { revision: it, release: [] });
});

test("[DP38] what the first task tells is the revision's for good, except where versionConsistency is disabled", () => {
  const plan = planPinning(revision(), [pending(1, { imageDigest: D }), waiting(2), waiting(3)], []);
  assert.deepEqual(digests(plan.revision), [D, undefined, OTHER]);
  assert.equal(plan.revision.pinning, undefined);
  assert.equal(plan.release.length, 2);
  const later = planPinning(plan.revision, [pending(1, { imageDigest: OTHER })], []);
  assert.equal(later.revision, plan.revision);
});

test("[DP38] an image without a digest holds nobody up once its container exists", () => {
  for (const first of [pending(1, { runtimeId: "x" }), pending(1, {}, { lastStatus: "RUNNING", startedAt: 1 })]) {
    const plan = planPinning(revision(), [first, waiting(2)], []);
    assert.deepEqual([plan.revision.pinning, plan.release.length], [undefined, 1]);
    assert.deepEqual(digests(plan.revision), [undefined, undefined, OTHER]);
  }
  const odd = planPinning(revision(), [pending(1, { imageDigest: "latest" })], []);
  assert.deepEqual(digests(odd.revision), [undefined, undefined, OTHER], "what is no digest is not taken for one");
});

test("[DP38] when the first task stops, the oldest that waits goes first; after three failures all go on without digests", () => {
  const failed = (n: number) =>
    pending(n, {}, { lastStatus: "STOPPED", desiredStatus: "STOPPED", stopCode: "TaskFailedToStart", stoppedAt: n });
  const one = planPinning(revision(), [waiting(3), waiting(2)], [failed(1)]);
  assert.deepEqual(one.revision.pinning, { attempts: 1 });
  assert.deepEqual(
    one.release.map((t) => t.createdAt),
    [2],
  );
  const all = planPinning(one.revision, [waiting(4), waiting(5)], [failed(2), failed(3)]);
  assert.deepEqual([all.revision.pinning, all.release.length], [undefined, 2]);
  assert.deepEqual(digests(all.revision), [undefined, undefined, OTHER]);
});

test("[DP38] a first task that someone stopped is no failed attempt, and one that told its images before it failed has told them", () => {
  const stopped = { lastStatus: "STOPPED", desiredStatus: "STOPPED", stoppedAt: 1 } as const;
  const asked = planPinning(revision(), [waiting(2)], [pending(1, {}, { ...stopped, stopCode: "UserInitiated" })]);
  assert.deepEqual([asked.revision.pinning, asked.release.length], [{ attempts: 0 }, 1]);
  const told = pending(1, { imageDigest: D }, { ...stopped, stopCode: "TaskFailedToStart" });
  assert.deepEqual(digests(planPinning(revision(), [waiting(2)], [told]).revision), [D, undefined, OTHER]);
  const leaving = pending(1, {}, { desiredStatus: "STOPPED", lastStatus: "STOPPING" });
  assert.equal(
    planPinning(revision(), [leaving, waiting(2)], []).release.length,
    1,
    "nobody waits for one that leaves",
  );
});

test("[DP38] many that wait go on in portions, and no more are made to wait than one look lets go on", () => {
  const many = Array.from({ length: MAX_WAITING + 50 }, (_, i) => waiting(i + 2));
  const first = pending(1, { imageDigest: D });
  assert.equal(mayStart(revision(), [pending(1), ...many.slice(0, 150)]), 50);
  assert.equal(mayStart(revision(), many), 0);
  const one = planPinning(revision(), [first, ...many], []);
  assert.deepEqual([one.release.length, one.revision.pinning], [MAX_WAITING, { attempts: 0, isSettled: true }]);
  assert.equal(mustWait(one.revision), false);
  const left = many.filter((t) => !one.release.includes(t));
  const two = planPinning(one.revision, [first, ...left], []);
  assert.deepEqual([two.release.length, two.revision.pinning], [50, undefined]);
});
