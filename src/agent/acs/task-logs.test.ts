import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../runtime/clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { type ContainerRuntime, type LogLine, RuntimeError } from "../container-runtime.ts";
import { newTask } from "../engine/new-task.ts";
import type { LogEvent, LogWindow } from "./log-window.ts";
import { readLog, taskLogs } from "./task-logs.ts";

const ARN = "arn:aws:ecs:r:1:task/c/t";

/** A log in memory, as the daemon hands it out. */
function log(lines: readonly LogLine[]) {
  const reads: { tail?: number; sinceMs?: number }[] = [];
  return {
    reads,
    async *lines(range: { readonly tail?: number; readonly sinceMs?: number }) {
      reads.push(range);
      const { tail = lines.length, sinceMs = 0 } = range;
      for (const line of lines.slice(Math.max(0, lines.length - tail))) if (line.timestamp >= sinceMs) yield line;
    },
  };
}

const line = (timestamp: number, message: string): LogLine => ({ timestamp, message, pieces: 1 });
const messages = (events: readonly LogEvent[]) => events.map((it) => it.message);

/** The places before the first and after the last event, as the control plane works them out. */
function ends(answer: { readonly events: readonly LogEvent[]; readonly offset: number }) {
  const { events, offset } = answer;
  const last = events.at(-1)!.timestamp;
  const inLast = events.filter((it) => it.timestamp === last).length;
  return {
    start: { ms: events[0]!.timestamp, count: offset },
    end: { ms: last, count: inLast + (events[0]!.timestamp === last ? offset : 0) },
  };
}

// Few milliseconds for many lines on purpose, and some stamped before the line in front of them.
const genLog = fc
  .array(fc.record({ step: fc.constantFrom(0, 0, 0, 1, 300), back: fc.constantFrom(0, 0, 1, 5) }), {
    maxLength: 300,
    size: "max",
  })
  .map((steps) => {
    let at = 1_000_000;
    return steps.map(({ step, back }, i) => {
      at += step;
      return line(at - back, `m${i}`);
    });
  });

test("reading page by page, forward or backward, gives every line once and in order", async () => {
  const seen = { pages: 0 };
  await fc.assert(
    fc.asyncProperty(genLog, fc.integer({ min: 1, max: 20 }), fc.boolean(), async (lines, limit, last) => {
      const source = log(lines);
      const found: string[] = [];
      let window: LogWindow = { last, limit };
      for (;;) {
        const answer = await readLog(source.lines, window);
        if (answer.events.length === 0) break;
        assert.ok(found.length < lines.length, "it goes round in circles");
        seen.pages++;
        if (last) found.unshift(...messages(answer.events));
        else found.push(...messages(answer.events));
        const { start, end } = ends(answer);
        window = last ? { last, limit, to: start } : { last, limit, from: end };
      }
      assert.deepEqual(
        found,
        lines.map((it) => it.message),
      );
    }),
    { numRuns: 100 },
  );
  assert.ok(seen.pages > 1000, "the test hardly tried anything");
});

test("reading on from a place in a long log looks at its end only, and is right also where the end tells too little", async () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => line(1_000_000 + Math.floor(i / 3), `m${i}`));
  const source = log(lines);
  const near = await readLog(source.lines, { from: { ms: 1_009_999, count: 1 }, last: false, limit: 10 });
  assert.deepEqual([messages(near.events), near.offset, source.reads.length], [["m29998", "m29999"], 1, 1]);
  const far = await readLog(source.lines, { from: { ms: 1_000_010, count: 2 }, last: false, limit: 2 });
  assert.deepEqual([messages(far.events), far.offset], [["m32", "m33"], 2]);
  source.reads.length = 0;
  const tail = await readLog(source.lines, { last: true, limit: 2 });
  assert.deepEqual([messages(tail.events), tail.offset], [["m29998", "m29999"], 1]);
  assert.equal(source.reads.at(-1)?.tail, 1_000, "66 lines are 22 ms: too few to be sure of the order");
});

test("an answer holds about 1 MiB, and the next goes on behind it", async () => {
  const lines = Array.from({ length: 30 }, (_, i) => line(1_000_000, String(i % 10).repeat(100_000)));
  const source = log(lines);
  const first = await readLog(source.lines, { last: false, limit: 10_000 });
  assert.equal(first.events.length, 10);
  const second = await readLog(source.lines, { from: ends(first).end, last: false, limit: 10_000 });
  assert.deepEqual([second.events.length, second.offset], [10, 10]);
  const last = await readLog(source.lines, { last: true, limit: 10_000 });
  assert.deepEqual([last.events.length, last.offset], [10, 20]);
  const huge = await readLog(log([line(1, "\0".repeat(262_144))]).lines, { last: false, limit: 5 });
  assert.equal(huge.events.length, 1, "one event always fits");
});

const REQUEST = { messageId: "m", taskArn: ARN, containerName: "a", sinceSkip: 0, untilTake: 0, limit: 10 };

function reader(logLines: ContainerRuntime["logLines"], isMade = true) {
  const task = newTask({ arn: ARN, containers: [{ name: "a", image: "i" }] } as never, 1, seededRandom(1));
  const container = task.containers[0]!;
  if (isMade) container.runtimeId = "id";
  return taskLogs({
    engine: { task: (arn) => (arn === ARN ? task : undefined) },
    runtime: { logLines },
    clock: systemClock(),
  });
}

test("a request is answered with events, or with what is wrong", async () => {
  const good = reader((_id, range) => log([line(5, "x")]).lines(range));
  assert.deepEqual(await good(REQUEST), {
    messageId: "m",
    events: [{ timestamp: 5, message: "x" }],
    offset: 0,
  });
  for (const other of [{ taskArn: "other" }, { containerName: "b" }])
    assert.equal((await good({ ...REQUEST, ...other })).error?.code, "not-found");
  const failing = (kind: "not-found" | "unreadable" | "unreachable") =>
    reader(() => {
      throw new RuntimeError(kind, `it is ${kind}`);
    })(REQUEST);
  assert.equal((await failing("not-found")).error?.code, "not-found");
  assert.deepEqual((await failing("unreadable")).error, { code: "unreadable", message: "it is unreadable" });
  assert.equal((await failing("unreachable")).error?.code, "failed");
});

test("a container that is not made yet has written nothing", async () => {
  const unmade = reader(() => assert.fail("it was asked for"), false);
  assert.deepEqual(await unmade({ ...REQUEST }), { messageId: "m", events: [], offset: 0 });
});
