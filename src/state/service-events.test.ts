import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceRecord } from "../model/service.ts";
import { systemClock } from "../runtime/clock.ts";
import { silentLog } from "../runtime/log.ts";
import { seededRandom } from "../runtime/random.ts";
import { MemoryDisk, MemoryJournal, openStore, SCHEMA } from "../store/index.ts";
import type { ServiceArn } from "../wire/arn.ts";
import { addServiceEvent, EVENT_REPEAT_MS } from "./service-events.ts";

const ARN = "arn:aws:ecs:us-east-1:000000000000:service/default/web" as ServiceArn;

/** The messages that a service keeps after these were added, oldest first. `[message, now, once, more]`. */
async function kept(lines: readonly (readonly [string, number, boolean, string?])[]): Promise<readonly string[]> {
  const journal = new MemoryJournal({ disk: new MemoryDisk(), clock: systemClock() });
  const store = await openStore({ schema: SCHEMA, journal, log: silentLog() });
  const random = seededRandom(1);
  const service = {
    arn: ARN,
    name: "web",
    eventSequence: 0,
    deployments: [],
    loadBalancers: [],
  } as unknown as ServiceRecord;
  await store.transact("test", (tx) => {
    let current = tx.services.put(service);
    for (const [message, now, once, more] of lines) {
      const added = more === undefined ? undefined : () => more;
      current = addServiceEvent(tx, current, message, { now, random, once, more: added });
    }
    return undefined;
  });
  const messages = store.view.serviceEvents.where("service", ARN).map((e) => e.message);
  await store.close();
  return messages;
}

test("a message equal to the newest is left out for six hours", async () => {
  const hours = EVENT_REPEAT_MS;
  assert.deepEqual(
    await kept([
      ["a", 0, false],
      ["a", hours - 1, false],
      ["a", hours, false],
    ]),
    ["a", "a"],
  );
  assert.deepEqual(
    await kept([
      ["a", 0, false],
      ["b", 1, false],
      ["a", 2, false],
    ]),
    ["a", "b", "a"],
  );
});

test("a trouble that lasts is told once, whatever is told between, until the service was steady or six hours have passed", async () => {
  const steady = "(service web) has reached a steady state.";
  assert.deepEqual(
    await kept([
      ["bad", 0, true],
      ["b", 1, false],
      ["bad", 2, true],
    ]),
    ["bad", "b"],
  );
  assert.deepEqual(
    await kept([
      ["bad", 0, true],
      [steady, 1, false],
      ["bad", 2, true],
    ]),
    ["bad", steady, "bad"],
  );
  assert.deepEqual(
    await kept([
      ["bad", 0, true],
      ["b", 1, false],
      ["bad", EVENT_REPEAT_MS, true],
    ]),
    ["bad", "b", "bad"],
  );
});

test("[PL13] what is said after a message does not make it another one", async () => {
  assert.deepEqual(
    await kept([
      ["bad.", 0, true, "It fits if 1 MiB is freed."],
      ["b", 1, false],
      ["bad.", 2, true, "It fits if 2 MiB are freed."],
      ["bad. It fits", 3, false],
    ]),
    ["bad. It fits if 1 MiB is freed.", "b", "bad. It fits"],
  );
});

test("a service keeps its hundred newest events", async () => {
  const lines = Array.from({ length: 105 }, (_, i) => [`m${i}`, i, false] as const);
  const messages = await kept(lines);
  assert.equal(messages.length, 100);
  assert.deepEqual([messages[0], messages.at(-1)], ["m5", "m104"]);
});
