import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RESOURCES } from "../model/resources.ts";
import { Fleet, type PlacementRequest } from "../scheduler/index.ts";
import { findPlaces } from "./placement.ts";
import { host } from "./testing.ts";

const request: PlacementRequest = {
  need: { ...NO_RESOURCES, memoryMiB: 600 },
  requiredAttributes: [],
  constraints: [{ type: "memberOf", expression: "attribute:disk == ssd" }],
  strategy: [],
  group: "service:web",
  tasksOn: () => ({ has: () => false, groups: () => [], runningTasksCount: 0, portHolder: () => undefined }),
};
const ssd = { attributes: [{ name: "disk", value: "ssd" }] };
const named = (number: number) => ({ name: "berth.host-name", value: `host-${number}` });

test("where tasks fit nowhere, every host says all that it lacks, the nearest first, and what would help is told", () => {
  const fleet = Fleet.of([
    host(1, { registered: { ...NO_RESOURCES, memoryMiB: 512 } }),
    host(2),
    host(3, { attributes: [...ssd.attributes, named(3)] }),
  ]);
  const { hosts, refusal } = findPlaces(request, fleet, { count: 3 });
  assert.deepEqual(
    hosts.map((one) => one.arn),
    [host(3).arn],
  );
  assert.deepEqual(refusal, {
    text: "2 tasks fit on no host (of 3, 2 lack memory and 2 do not meet a constraint)",
    fixes: ["a task fits if 176 MiB are freed on host-3", "a task fits without `attribute:disk == ssd` on host-2"],
    instances: [
      {
        containerInstanceArn: host(2).arn,
        host: "host-2",
        fits: false,
        lacks: ["does not satisfy `attribute:disk == ssd`"],
      },
      {
        containerInstanceArn: host(3).arn,
        host: "host-3",
        fits: false,
        lacks: ["needs 600 MiB of memory, 424 left of 1024"],
      },
      {
        containerInstanceArn: host(1).arn,
        host: "host-1",
        fits: false,
        lacks: ["needs 600 MiB of memory, 512 left of 512", "does not satisfy `attribute:disk == ssd`"],
      },
    ],
  });
});

for (const [hosts, says] of [
  [[], "1 task fits on no host (there is none)"],
  [[host(1, { status: "DRAINING" })], "1 task fits on no host (1 host is DRAINING, and there is no other)"],
  [
    [host(1, { agentConnected: false }), host(2, { agentConnected: false })],
    /^1 task fits on no host \(of 2, 2 are not connected and 2 do not meet a constraint\)$/,
  ],
  [[host(1, { ...ssd, used: { ...NO_RESOURCES, memoryMiB: 500 } })], "1 task fits on no host (of 1, 1 lacks memory)"],
] as const)
  test(`why a task fits nowhere, in a clause: ${says}`, () => {
    const text = findPlaces(request, Fleet.of(hosts), { count: 1 }).refusal?.text ?? "";
    if (typeof says === "string") assert.equal(text, says);
    else assert.match(text, says);
  });

test("of a great many hosts the nearest hundred say what they lack", () => {
  const hosts = Array.from({ length: 150 }, (_, i) => host(i + 1));
  const { refusal } = findPlaces(request, Fleet.of(hosts), { count: 1 });
  assert.equal(refusal?.text, "1 task fits on no host (of 150, 150 do not meet a constraint)");
  assert.equal(refusal?.instances.length, 100);
});

test("a DAEMON service's task has its own host, and only that one says what it lacks", () => {
  const fleet = Fleet.of([host(1), host(2, { attributes: [...ssd.attributes, named(2)] })]);
  const { hosts, refusal } = findPlaces(request, fleet, { count: 2, on: [host(1).arn, host(2).arn] });
  assert.deepEqual(
    hosts.map((one) => one.arn),
    [host(2).arn],
  );
  assert.equal(refusal?.text, "1 task does not fit on the host that is to have it");
  assert.deepEqual(refusal?.fixes, ["a task fits without `attribute:disk == ssd` on host-1"]);
  assert.deepEqual(
    refusal?.instances.map((one) => one.host),
    ["host-1"],
  );
});

test("where a capacity provider has no place, only its hosts are told of", () => {
  const inGroup = (number: number) => ({ attributes: [{ name: "berth.host-group", value: `group-${number}` }] });
  const fleet = Fleet.of([
    host(1, { ...inGroup(1), registered: { ...NO_RESOURCES, memoryMiB: 512 } }),
    host(2, inGroup(2)),
  ]);
  const textOf = (group: number) => {
    const capacityProvider = { name: "mine", hostGroup: `group-${group}` };
    return findPlaces({ ...request, constraints: [], capacityProvider }, fleet, { count: 1 }).refusal?.text;
  };
  assert.equal(textOf(1), "1 task fits on no host (of 1 of capacity provider mine, 1 lacks memory)");
  assert.equal(textOf(3), "1 task fits on no host of capacity provider mine (there is none)");
});
