import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskLogEvent, TaskLogsAnswer, TaskLogsRequest } from "../../gateway/index.ts";
import { NO_RESOURCES } from "../../model/resources.ts";
import type { TaskRecord } from "../../model/task.ts";
import { clusterArn, containerArn, taskArn, taskDefinitionArn } from "../../wire/arn.ts";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import { logsModel } from "../../wire/model.ts";
import { arrange, refused, TEST_CALL, TEST_SCOPE, TEST_START, testContext, testInstance } from "../ecs/testing.ts";
import { describeLogGroups } from "./describe-log-groups.ts";
import { describeLogStreams } from "./describe-log-streams.ts";
import { getLogEvents } from "./get-log-events.ts";
import { createLogsService } from "./service.ts";

const CLUSTER = clusterArn(TEST_SCOPE, { clusterName: "default" });
const INSTANCE = testInstance({
  attributes: [{ name: "berth.capability.task-logs" }, { name: "berth.host-name", value: "h1" }],
});
const STREAM = { logGroupName: "/berth/default", logStreamName: "web/app/t1" };

function task(id: string, given: Partial<TaskRecord> = {}): TaskRecord {
  const container = {
    arn: containerArn(TEST_SCOPE, { clusterName: "default", taskId: id, containerId: "c" }),
    name: "app",
    image: "i",
    lastStatus: "RUNNING" as const,
    runtimeId: "r",
    networkBindings: [],
    healthStatus: "UNKNOWN" as const,
    essential: true,
    checksHealth: false,
    cpu: 0,
  };
  return {
    arn: taskArn(TEST_SCOPE, { clusterName: "default", taskId: id }),
    clusterArn: CLUSTER,
    taskDefinitionArn: taskDefinitionArn(TEST_SCOPE, { family: "web", revision: 3 }),
    containerInstanceArn: INSTANCE.arn,
    launchType: "EC2",
    group: "family:web",
    desiredStatus: "RUNNING",
    lastStatus: "RUNNING",
    containers: [container],
    healthStatus: "UNKNOWN",
    resources: NO_RESOURCES,
    overrides: { containerOverrides: [] },
    attributes: [],
    loadBalancers: [],
    enableExecuteCommand: false,
    createdAt: TEST_START,
    version: 1,
    tags: {},
    delivered: { start: true, stop: false },
    ...given,
  };
}

/** The operations over a cluster with one task, whose agent answers as `answer` says. */
async function bench(
  answer: (request: TaskLogsRequest) => TaskLogsAnswer,
  tasks: readonly TaskRecord[] = [task("t1")],
) {
  const requests: TaskLogsRequest[] = [];
  const context = {
    ...(await testContext()),
    taskLogs: {
      read: async (_instance: string, request: TaskLogsRequest) => {
        requests.push(request);
        return answer(request);
      },
    },
  };
  await arrange(context, (tx) => {
    tx.clusters.put({
      arn: CLUSTER,
      name: "default",
      status: "ACTIVE",
      settings: [],
      tags: {},
      createdAt: TEST_START,
    });
    tx.containerInstances.put(INSTANCE);
    for (const one of tasks) tx.tasks.put(one);
  });
  return { context, requests };
}

/** An agent with these events, which keeps to the request. */
function agentWith(all: readonly TaskLogEvent[]) {
  return ({ from, to, last, limit }: TaskLogsRequest): TaskLogsAnswer => {
    const placed = all.map((event, i) => ({
      event,
      ms: event.timestamp,
      count: all.slice(0, i).filter((it) => it.timestamp === event.timestamp).length,
    }));
    const isBefore = (a: { ms: number; count: number }, b: { ms: number; count: number }) =>
      a.ms < b.ms || (a.ms === b.ms && a.count < b.count);
    const wanted = placed.filter((it) => (!from || !isBefore(it, from)) && (!to || isBefore(it, to)));
    const chosen = last ? wanted.slice(-limit) : wanted.slice(0, limit);
    return { kind: "events", events: chosen.map((it) => it.event), offset: chosen[0]?.count ?? 0 };
  };
}

const EVENTS = [10, 10, 10, 11, 12, 12, 20].map((ms, i) => ({ timestamp: ms, message: `m${i}` }));
const ALL = EVENTS.map((it) => it.message);

for (const limit of [1, 2, 3, 7])
  test(`pages of ${limit} forward and backward hold every event once; at the end the same token comes back`, async () => {
    const { context } = await bench(agentWith(EVENTS));
    for (const way of ["nextForwardToken", "nextBackwardToken"] as const) {
      const found: string[] = [];
      let nextToken: string | undefined;
      for (;;) {
        const input = { ...STREAM, limit, nextToken, startFromHead: way === "nextForwardToken" };
        const page = await getLogEvents(context, input, TEST_CALL);
        const messages = (page.events ?? []).map((it) => it.message ?? "");
        if (page[way] === nextToken) {
          assert.deepEqual(messages, []);
          break;
        }
        if (way === "nextForwardToken") found.push(...messages);
        else found.unshift(...messages);
        nextToken = page[way];
      }
      assert.deepEqual(found, ALL);
    }
  });

test("startTime is included, endTime is not, and both hold for tokens too", async () => {
  const { context } = await bench(agentWith(EVENTS));
  const range = { startTime: 11, endTime: 20 };
  const page = await getLogEvents(context, { ...STREAM, ...range, limit: 2 }, TEST_CALL);
  assert.deepEqual(
    page.events?.map((it) => it.message),
    ["m4", "m5"],
  );
  assert.deepEqual(page.events?.[0], { timestamp: 12, message: "m4", ingestionTime: 12 });
  const on = await getLogEvents(context, { ...STREAM, ...range, nextToken: page.nextForwardToken }, TEST_CALL);
  assert.deepEqual([on.events, on.nextForwardToken], [[], page.nextForwardToken]);
  const back = await getLogEvents(context, { ...STREAM, ...range, nextToken: page.nextBackwardToken }, TEST_CALL);
  assert.deepEqual(
    back.events?.map((it) => it.message),
    ["m3"],
  );
});

test("a follower that began with an empty log gets the first event", async () => {
  const events: TaskLogEvent[] = [];
  const { context } = await bench((request) => agentWith(events)(request));
  const empty = await getLogEvents(context, STREAM, TEST_CALL);
  assert.deepEqual(empty.events, []);
  events.push({ timestamp: 5, message: "first" });
  const page = await getLogEvents(context, { ...STREAM, nextToken: empty.nextForwardToken }, TEST_CALL);
  assert.deepEqual(
    page.events?.map((it) => it.message),
    ["first"],
  );
});

const NO_STREAM = ["ResourceNotFoundException", "The specified log stream does not exist."] as const;
const answers: readonly (readonly [TaskLogsAnswer, string, string | RegExp])[] = [
  [{ kind: "not-found", message: "x" }, ...NO_STREAM],
  [{ kind: "unreadable", message: 'its log driver "none"' }, "InvalidParameterException", /container app.*"none"/],
  [{ kind: "disconnected" }, "ServiceUnavailableException", /host h1, .* is not connected/],
  [{ kind: "timeout" }, "ServiceUnavailableException", /host h1, .* in time/],
  [{ kind: "busy" }, "ServiceUnavailableException", /host h1, .* too many/],
  [{ kind: "failed", message: "disk" }, "ServiceUnavailableException", /h1, .*disk/],
];
for (const [answer, code, message] of answers)
  test(`an agent's answer "${answer.kind}" is ${code}`, async () => {
    const { context } = await bench(() => answer);
    const error = await refused(() => getLogEvents(context, STREAM, TEST_CALL), code, message);
    const operation = logsModel().operations.get("GetLogEvents");
    assert.ok(error instanceof AwsError && operation !== undefined && isDeclaredError(logsModel(), operation, error));
  });

const inputs: readonly (readonly [string, object, string, (string | RegExp)?])[] = [
  ["an unknown task", { logStreamName: "web/app/t2" }, ...NO_STREAM],
  ["another family", { logStreamName: "other/app/t1" }, ...NO_STREAM],
  ["another container", { logStreamName: "web/x/t1" }, ...NO_STREAM],
  ["no stream's name", { logStreamName: "*" }, ...NO_STREAM],
  [
    "another group",
    { logGroupName: "/berth/x" },
    "ResourceNotFoundException",
    "The specified log group does not exist.",
  ],
  ["a group of AWS", { logGroupName: "/ecs/web" }, "ResourceNotFoundException", /log group/],
  ["a group twice", { logGroupIdentifier: "/berth/default" }, "InvalidParameterException"],
  ["no group", { logGroupName: undefined }, "InvalidParameterException"],
  ["limit 0", { limit: 0 }, "InvalidParameterException", /limit/],
  ["limit 10001", { limit: 10_001 }, "InvalidParameterException", /limit/],
  ["a negative startTime", { startTime: -1 }, "InvalidParameterException", /startTime/],
  ["a token of nobody", { nextToken: "f/1" }, "InvalidParameterException", /nextToken/],
];
for (const [what, input, code, message] of inputs)
  test(`${what} is ${code}`, async () => {
    const { context, requests } = await bench(agentWith(EVENTS));
    await refused(() => getLogEvents(context, { ...STREAM, ...input }, TEST_CALL), code, message);
    assert.deepEqual(requests, []);
  });

test("a task without a host or a container has written nothing; one whose host is gone has no log", async () => {
  const fresh = task("t1", { lastStatus: "PENDING" });
  const unmade = { ...fresh, containers: fresh.containers.map((it) => ({ ...it, runtimeId: undefined })) };
  for (const one of [task("t1", { containerInstanceArn: undefined }), unmade]) {
    const { context } = await bench(() => ({ kind: "not-found", message: "" }), [one]);
    assert.deepEqual((await getLogEvents(context, STREAM, TEST_CALL)).events, []);
  }
  const { context } = await bench(agentWith(EVENTS));
  await arrange(context, (tx) => tx.containerInstances.put({ ...INSTANCE, status: "INACTIVE" }));
  await refused(() => getLogEvents(context, STREAM, TEST_CALL), ...NO_STREAM);
  await arrange(context, (tx) => tx.containerInstances.put({ ...INSTANCE, agentConnected: false }));
  await refused(() => getLogEvents(context, STREAM, TEST_CALL), "ServiceUnavailableException", /h1, .* not connected/);
  await arrange(context, (tx) => tx.containerInstances.put({ ...INSTANCE, attributes: [] }));
  await refused(
    () => getLogEvents(context, STREAM, TEST_CALL),
    "InvalidParameterException",
    /berth\.capability\.task-logs/,
  );
});

test("groups and streams are listed by name, in pages, either way round", async () => {
  const stopped = { desiredStatus: "STOPPED", lastStatus: "STOPPED" } as const;
  const tasks = Array.from({ length: 60 }, (_, i) => task(`t${i}`, i % 7 === 0 ? stopped : {}));
  const { context } = await bench(agentWith(EVENTS), tasks);
  const arn = "arn:aws:logs:us-east-1:000000000000:log-group:/berth/default";
  for (const input of [
    {},
    { logGroupNamePrefix: "/ber" },
    { logGroupNamePattern: "def" },
    { logGroupIdentifiers: [arn] },
  ]) {
    const { logGroups } = await describeLogGroups(context, input, TEST_CALL);
    assert.deepEqual(
      logGroups?.map((it) => [it.logGroupName, it.logGroupArn]),
      [["/berth/default", arn]],
    );
  }
  assert.deepEqual((await describeLogGroups(context, { logGroupNamePrefix: "x" }, TEST_CALL)).logGroups, []);
  const names = tasks.map((_, i) => `web/app/t${i}`).sort();
  for (const descending of [false, true]) {
    const input = { logGroupIdentifier: `${arn}:*`, descending };
    const first = await describeLogStreams(context, input, TEST_CALL);
    const second = await describeLogStreams(context, { ...input, nextToken: first.nextToken }, TEST_CALL);
    const found = [...(first.logStreams ?? []), ...(second.logStreams ?? [])].map((it) => it.logStreamName);
    assert.deepEqual(found, descending ? names.toReversed() : names);
    assert.deepEqual([first.logStreams?.length, second.nextToken], [50, undefined]);
  }
  await refused(
    () => describeLogStreams(context, { logGroupName: "/berth/default", orderBy: "LastEventTime" }, TEST_CALL),
    "InvalidParameterException",
    /LastEventTime/,
  );
});

test("an operation that is not carried out is refused by its name, with an exception that its model lists", async () => {
  const { context } = await bench(agentWith(EVENTS));
  const service = createLogsService(context);
  for (const operation of logsModel().operations.values()) {
    if (service.has(operation.name)) continue;
    const error = await refused(
      () => service.call(operation.name, {}, { ...TEST_CALL, signal: new AbortController().signal }),
      "InvalidParameterException",
      `Berth does not carry out the CloudWatch Logs operation ${operation.name}.`,
    );
    assert.ok(isDeclaredError(logsModel(), operation, error));
  }
});
