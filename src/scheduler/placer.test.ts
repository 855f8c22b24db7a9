import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { containerInstanceId } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { seededRandom } from "../runtime/random.ts";
import { describeInstance } from "./describe.ts";
import { explainRefusal } from "./explain.ts";
import { Placer, placeTask } from "./placer.ts";
import { DEFAULT_SERVICE_STRATEGY, type Placement } from "./request.ts";
import { fleetWith, instanceWith, requestOf } from "./testing.ts";

const chance = seededRandom(1);
const idOf = (placement: Placement) =>
  placement.kind === "placed" ? containerInstanceId(placement.instance) : placement.closest?.reason;

test("[PL2] [PL3] the first check that fails names the reason, in ECS's order", () => {
  const need = { cpu: 256, memoryMiB: 256, ports: [80], portsUdp: [53], gpuCount: 2 };
  const busy = { ...NO_RESOURCES, cpu: 1024, memoryMiB: 1024, gpus: ["g0", "g1", "g2"] };
  const request = requestOf({
    need,
    requiredAttributes: [{ name: "gpu", value: "yes" }],
    constraints: [{ type: "distinctInstance" }],
  });
  const gpu = { attributes: [{ name: "gpu", value: "yes" }] };
  const rows: [string, Parameters<typeof instanceWith>[2]][] = [
    ["AGENT", { agentConnected: false, registered: NO_RESOURCES }],
    ["RESOURCE:CPU", { registered: { ...busy, cpu: 255, memoryMiB: 0 } }],
    ["RESOURCE:MEMORY", { registered: { ...busy, memoryMiB: 255, ports: [80] } }],
    ["RESOURCE:PORTS", { registered: { ...busy, ports: [80] } }],
    ["RESOURCE:PORTS", { used: { ...NO_RESOURCES, ports: [80] } }],
    ["RESOURCE:PORTS", { used: { ...NO_RESOURCES, portsUdp: [53] } }],
    ["RESOURCE:GPU", {}],
    ["RESOURCE:GPU", { registered: busy, used: { ...NO_RESOURCES, gpus: ["g1", "g2"] } }],
    ["ATTRIBUTE", { registered: busy, used: { ...NO_RESOURCES, gpus: ["g1"] } }],
    ["ATTRIBUTE", { registered: busy, attributes: [{ name: "gpu", value: "no" }] }],
    ["a", { ...gpu, registered: { cpu: 256, memoryMiB: 256, ports: [53], portsUdp: [80], gpus: ["g0", "g1"] } }],
  ];
  for (const [answer, over] of rows) {
    assert.equal(idOf(placeTask(request, fleetWith([instanceWith("a", {}, over)]), chance)), answer);
  }
  const taken = fleetWith([instanceWith("a", {}, { ...gpu, registered: busy })], new Map([[instanceWith("a").arn, 1]]));
  assert.equal(idOf(placeTask(request, taken, chance)), "DistinctInstance placement constraint unsatisfied.");
});

test("[PL2] only ACTIVE instances are candidates, and none of them at all is said so", () => {
  const off = [instanceWith("a", {}, { status: "DRAINING" }), instanceWith("b", {}, { status: "INACTIVE" })];
  const placement = placeTask(requestOf(), fleetWith(off), chance);
  assert.deepEqual(placement, { kind: "refused", closest: undefined });
  assert.equal(
    placement.kind === "refused" && explainRefusal(placement),
    "was unable to place a task because no container instance met all of its requirements. Reason: No Container " +
      "Instances were found in your cluster. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
  );
});

test("[PL4] the closest is the one that failed last in the order of the checks, and the first by ARN among equals", () => {
  const instances = [
    instanceWith("a", {}, { agentConnected: false }),
    instanceWith("d", { memoryMiB: 0 }),
    instanceWith("b", { memoryMiB: 0 }),
    instanceWith("c", { cpu: 0 }),
    instanceWith("e", { memoryMiB: 0 }),
  ];
  const placement = placeTask(requestOf(), fleetWith(instances), chance);
  assert.ok(placement.kind === "refused");
  assert.match(
    explainRefusal(placement),
    /The closest matching \(container-instance b\) has insufficient memory available\./,
  );
});

test("[PL5] tasks placed in turn see what those before them took, ports included", () => {
  const need = { cpu: 256, memoryMiB: 256, ports: [8080], portsUdp: [] };
  const placer = new Placer(requestOf({ need }), fleetWith([instanceWith("a"), instanceWith("b")]), chance);
  assert.deepEqual([idOf(placer.place()), idOf(placer.place())].sort(), ["a", "b"]);
  assert.equal(idOf(placer.place()), "RESOURCE:PORTS");
});

test("[PL5] [PL15] tasks placed in turn take GPUs, whether or not the fleet hears of them meanwhile", () => {
  const registered = { ...NO_RESOURCES, cpu: 4096, memoryMiB: 4096, gpus: ["g0", "g1", "g2", "g3", "g4"] };
  const instance = instanceWith("a", {}, { registered });
  const need = { ...NO_RESOURCES, gpuCount: 2 };
  for (const hears of [false, true]) {
    const fleet = fleetWith([instance]);
    const placer = new Placer(requestOf({ need }), fleet, chance);
    const answers = [0, 1, 2].map((i) => {
      const answer = idOf(placer.place());
      const gpus = registered.gpus.slice(2 * i, 2 * (i + 1));
      if (hears) fleet.hold(instance.arn, { ...NO_RESOURCES, gpus });
      return answer;
    });
    assert.deepEqual(answers, ["a", "a", "RESOURCE:GPU"]);
    const [said] = placer.explain().instances;
    assert.deepEqual(said?.failed, [{ kind: "gpu", needed: 2, left: 1, registered: 5 }]);
    assert.equal(said && describeInstance(said), "Needs 2 GPUs, 1 left of 5. Fits if 1 GPU is freed here.");
  }
});

test("[PL6] without a strategy a service spreads over zones first and then over instances", () => {
  const instances = [
    instanceWith("a1", { zone: "a" }),
    instanceWith("a2", { zone: "a" }),
    instanceWith("b1", { zone: "b" }),
  ];
  const placer = new Placer(requestOf({ strategy: DEFAULT_SERVICE_STRATEGY }), fleetWith(instances), chance);
  const placed = Array.from({ length: 6 }, () => idOf(placer.place()) ?? "");
  assert.deepEqual(
    placed
      .map((id) => id[0])
      .join("")
      .replaceAll(/ab|ba/g, "."),
    "...",
    "each pair of tasks takes both zones",
  );
  assert.deepEqual(
    Object.values(Object.groupBy(placed, (id) => id))
      .map((g) => g?.length)
      .sort(),
    [1, 2, 3],
  );
});

test("[PL6] spread counts the tasks of the service on DRAINING instances of a group too", () => {
  const gone = instanceWith("a1", { zone: "a" }, { status: "DRAINING" });
  const instances = [gone, instanceWith("a2", { zone: "a" }), instanceWith("b1", { zone: "b" })];
  const peers = new Map([[gone.arn, 1]]);
  const strategy: PlacementStrategy[] = [{ type: "spread", field: "attribute:ecs.availability-zone" }];
  assert.equal(idOf(placeTask(requestOf({ strategy }), fleetWith(instances, peers), chance)), "b1");
});

test("[PL7] binpack takes the instance with the least left that fits, and ties are broken by the next strategy", () => {
  const instances = [instanceWith("a", { cpu: 512 }), instanceWith("b", { cpu: 256 }), instanceWith("c", { cpu: 128 })];
  const byCpu = requestOf({ strategy: [{ type: "binpack", field: "CPU" }] });
  assert.equal(idOf(placeTask(byCpu, fleetWith(instances), chance)), "b");
  const even = [instanceWith("a"), instanceWith("b")];
  const both = requestOf({
    strategy: [
      { type: "binpack", field: "memory" },
      { type: "spread", field: "host" },
    ],
  });
  assert.equal(idOf(placeTask(both, fleetWith(even, new Map([[even[0]!.arn, 3]])), chance)), "b");
});
