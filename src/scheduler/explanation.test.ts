import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { OccupiedInstance } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { seededRandom } from "../runtime/random.ts";
import type { FailedCheck } from "./checks.ts";
import { describeFixes, describeInstance, describePlacement } from "./describe.ts";
import { explainRefusal } from "./explain.ts";
import { explainPlacement, type Fix } from "./explanation.ts";
import { Placer, placeTask } from "./placer.ts";
import type { PlacementRequest } from "./request.ts";
import { roomFor } from "./room.ts";
import { fleetWith, instanceWith, requestOf, withTasks } from "./testing.ts";

const explain = (request: PlacementRequest, ...instances: OccupiedInstance[]) =>
  explainPlacement(request, fleetWith(instances));

test("[PL13] an explanation has every check that fails, with how much is wanting, and a sentence", () => {
  const request = requestOf({
    need: { cpu: 512, memoryMiB: 512, ports: [80, 443], portsUdp: [53] },
    requiredAttributes: [{ name: "gpu" }, { name: "arch", value: "arm64" }, { name: "os", value: "linux" }],
    constraints: [
      { type: "memberOf", expression: "attribute:disk == ssd and (task:group == db or attribute:any exists)" },
      { type: "distinctInstance" },
      { type: "memberOf", expression: "not attribute:arch exists" },
    ],
    tasksOn: () => ({
      ...withTasks(),
      portHolder: (_, port) => (port === 80 ? "arn:aws:ecs:x:y:task/c/t1" : undefined),
    }),
  });
  const instance = instanceWith(
    "a",
    {},
    {
      agentConnected: false,
      registered: { ...NO_RESOURCES, cpu: 1024, memoryMiB: 1024, ports: [443] },
      used: { cpu: 724, memoryMiB: 600, ports: [80], portsUdp: [53] },
      attributes: [{ name: "arch", value: "x86_64" }, { name: "os" }],
    },
  );
  const { instances } = explainPlacement(request, fleetWith([instance], new Map([[instance.arn, 2]])));
  const failed: FailedCheck[] = [
    { kind: "agent" },
    { kind: "cpu", needed: 512, left: 300, registered: 1024 },
    { kind: "memory", needed: 512, left: 424, registered: 1024 },
    { kind: "port", protocol: "tcp", port: 80, holder: { by: "task", taskArn: "arn:aws:ecs:x:y:task/c/t1" } },
    { kind: "port", protocol: "tcp", port: 443, holder: { by: "host" } },
    { kind: "port", protocol: "udp", port: 53, holder: { by: "task", taskArn: undefined } },
    { kind: "attribute", name: "gpu", required: undefined, found: undefined },
    { kind: "attribute", name: "arch", required: "arm64", found: "x86_64" },
    { kind: "attribute", name: "os", required: "linux", found: "" },
    {
      kind: "memberOf",
      expression: "attribute:disk == ssd and (task:group == db or attribute:any exists)",
      unsatisfied: ["attribute:disk == ssd", "task:group == db or attribute:any exists"],
    },
    { kind: "distinctInstance", peers: 2 },
    { kind: "memberOf", expression: "not attribute:arch exists", unsatisfied: ["not attribute:arch exists"] },
  ];
  assert.deepEqual(instances, [{ arn: instance.arn, host: "a", failed, fix: undefined }]);
  assert.equal(
    describeInstance(instances[0]!),
    "Its agent is not connected; needs 512 CPU units, 300 left of 1024; needs 512 MiB of memory, 424 left of 1024; " +
      "port 80/tcp is held by task t1; port 443/tcp is kept by the host; port 53/udp is in use; attribute gpu is missing; " +
      "attribute arch is x86_64, not arm64; attribute os is without a value, not linux; does not satisfy " +
      "`attribute:disk == ssd`, `task:group == db or attribute:any exists`; 2 of its group are here already " +
      "(distinctInstance); does not satisfy `not attribute:arch exists`.",
  );
});

test("[PL13] the nearest fixes say what would have to be freed or given up, and where", () => {
  const arm = requestOf({ constraints: [{ type: "memberOf", expression: "attribute:arch == arm64" }] });
  const isArm = { attributes: [{ name: "arch", value: "arm64" }] };
  const explanation = explain(
    arm,
    instanceWith("a", { memoryMiB: 1024, cpu: 1024 }, { ...isArm, used: { ...NO_RESOURCES, memoryMiB: 1000 } }),
    instanceWith("b", { memoryMiB: 1024, cpu: 1024 }, { ...isArm, used: { ...NO_RESOURCES, memoryMiB: 978 } }),
    instanceWith("c"),
    instanceWith("d", {}, { ...isArm, status: "DRAINING" }),
    instanceWith("e", {}, { ...isArm, agentConnected: false }),
    instanceWith("f", { memoryMiB: 128 }, isArm),
  );
  assert.deepEqual(explanation.draining, [instanceWith("d").arn]);
  assert.equal(explanation.closest?.reason, "MemberOf placement constraint unsatisfied.");
  assert.equal(
    describeFixes(explanation.fixes),
    "It fits if 210 MiB are freed on b, or without `attribute:arch == arm64` on c, or if the agent connects on e.",
  );
  assert.equal(
    describePlacement(explanation),
    "None of 5 container instances can take the task: 3 fail with RESOURCE:MEMORY, 1 fail with MemberOf placement " +
      "constraint unsatisfied, 1 fail with AGENT. It fits if 210 MiB are freed on b, or without " +
      "`attribute:arch == arm64` on c, or if the agent connects on e.",
  );
  const mixed = explain(arm, instanceWith("a", {}, { used: { ...NO_RESOURCES, cpu: 1000 } }));
  assert.equal(
    describeFixes(mixed.fixes),
    "It fits if 232 CPU units are freed on a, without `attribute:arch == arm64`.",
  );
  const port = requestOf({ need: { ...NO_RESOURCES, ports: [80] } });
  const busy = explain(port, instanceWith("a", {}, { used: { ...NO_RESOURCES, ports: [80] } }));
  assert.equal(describeFixes(busy.fixes), "It fits if port 80/tcp is freed on a.");
  assert.deepEqual(explain(requestOf(), instanceWith("a", { cpu: 128 })).fixes, []);
});

test("[PL13] with room, with none ACTIVE and with no instance at all, an explanation says so", () => {
  const says = (...instances: OccupiedInstance[]) => describePlacement(explain(requestOf(), ...instances));
  assert.equal(says(instanceWith("a"), instanceWith("b", { cpu: 0 })), "1 of 2 container instances can take the task.");
  assert.equal(says(instanceWith("a", {}, { status: "DRAINING" })), "All 1 container instances are DRAINING.");
  assert.equal(says(), "No Container Instances were found in your cluster.");
});

test("[PL13] an explanation after some tasks were placed counts what they took", () => {
  const need = { ...NO_RESOURCES, cpu: 600, ports: [80] };
  const placer = new Placer(requestOf({ need }), fleetWith([instanceWith("a")]), seededRandom(1));
  assert.equal(placer.place().kind, "placed");
  assert.deepEqual(placer.explain().instances[0]?.failed, [
    { kind: "cpu", needed: 600, left: 424, registered: 1024 },
    { kind: "port", protocol: "tcp", port: 80, holder: { by: "this" } },
  ]);
});

// Few, coarse sizes on purpose: exact fits and ties must be common, or they are never tried.
const size = fc.integer({ min: 0, max: 4 }).map((n) => n * 256);
const genInstance = fc.record({
  cpu: size,
  used: fc.constantFrom(0, 256),
  memoryMiB: size,
  agentConnected: fc.constantFrom(true, true, false),
  arch: fc.constantFrom("arm64", "x86_64", undefined),
  port: fc.constantFrom<"none" | "host" | "task">("none", "none", "host", "task"),
  peers: fc.nat(1),
});
const genRequest = fc.record({
  cpu: size,
  memoryMiB: size,
  port: fc.boolean(),
  arch: fc.constantFrom("arm64", "", undefined),
  memberOf: fc.constantFrom(undefined, "attribute:arch exists and attribute:arch != arm64", "agentConnected == true"),
  distinct: fc.boolean(),
});

function instanceFrom(one: typeof genInstance extends fc.Arbitrary<infer T> ? T : never, i: number) {
  const ports = { host: one.port === "host" ? [80] : [], task: one.port === "task" ? [80] : [] };
  return instanceWith(
    `i${i}`,
    {},
    {
      agentConnected: one.agentConnected,
      registered: { ...NO_RESOURCES, cpu: one.cpu, memoryMiB: one.memoryMiB, ports: ports.host },
      used: { ...NO_RESOURCES, cpu: Math.min(one.cpu, one.used), ports: ports.task },
      attributes: one.arch === undefined ? [] : [{ name: "arch", value: one.arch }],
    },
  );
}

/** The instance and the request after a fix was carried out. */
function fixed(instance: OccupiedInstance, request: PlacementRequest, { free, without, connect }: Fix) {
  const gone = new Set(free.ports);
  const used = {
    ...instance.used,
    cpu: instance.used.cpu - free.cpu,
    memoryMiB: instance.used.memoryMiB - free.memoryMiB,
    ports: instance.used.ports.filter((port) => !gone.has(`${port}/tcp`)),
  };
  return {
    instance: { ...instance, used, agentConnected: instance.agentConnected || connect },
    request: {
      ...request,
      requiredAttributes: request.requiredAttributes.filter(
        (a) => !without.includes(`attribute:${a.name}${a.value ? ` == ${a.value}` : ""}`),
      ),
      constraints: request.constraints.flatMap((constraint) => {
        if (constraint.type === "distinctInstance") return without.includes("distinctInstance") ? [] : [constraint];
        const terms = (constraint.expression ?? "").split(" and ").filter((term) => !without.includes(term));
        return terms.length === 0 ? [] : [{ ...constraint, expression: terms.join(" and ") }];
      }),
    },
  };
}

test("[PL2] [PL13] nothing fails where a task fits, something fails where it does not, and a fix makes it fit", () => {
  const seen = { fits: 0, fixed: 0, never: 0 };
  fc.assert(
    fc.property(fc.array(genInstance, { minLength: 1, maxLength: 4 }), genRequest, (list, wanted) => {
      const request = requestOf({
        need: { ...NO_RESOURCES, cpu: wanted.cpu, memoryMiB: wanted.memoryMiB, ports: wanted.port ? [80] : [] },
        requiredAttributes: wanted.arch === undefined ? [] : [{ name: "arch", value: wanted.arch }],
        constraints: [
          ...(wanted.distinct ? [{ type: "distinctInstance" as const }] : []),
          ...(wanted.memberOf === undefined ? [] : [{ type: "memberOf" as const, expression: wanted.memberOf }]),
        ],
      });
      const instances = list.map(instanceFrom);
      const peers = new Map(instances.map((instance, i) => [instance.arn, list[i]?.peers ?? 0]));
      const explanation = explainPlacement(request, fleetWith(instances, peers));
      for (const [i, instance] of instances.entries()) {
        const said = explanation.instances[i];
        assert.ok(said?.arn === instance.arn);
        const alone = (r: PlacementRequest, one: OccupiedInstance) =>
          placeTask(r, fleetWith([one], peers), seededRandom(1)).kind === "placed";
        assert.equal(said.failed.length === 0, alone(request, instance));
        if (said.failed.length === 0) seen.fits++;
        if (said.fix === undefined) {
          if (said.failed.length > 0) seen.never++;
          continue;
        }
        const after = fixed(instance, request, said.fix);
        assert.ok(alone(after.request, after.instance), "the fix does not help");
        seen.fixed++;
      }
      const fits = explanation.instances.some((one) => one.failed.length === 0);
      const fixable = explanation.instances.some((one) => one.fix !== undefined);
      assert.equal(explanation.fixes.length > 0, !fits && fixable);
      assert.equal(explanation.closest === undefined, fits);
    }),
    { numRuns: 1500 },
  );
  assert.ok(seen.fits > 100 && seen.fixed > 300 && seen.never > 300, JSON.stringify(seen));
});

test("[PL19] a capacity provider's hosts alone are candidates, of the placement, its explanation and the room that is told", () => {
  const inGroup = (name: string) => ({ attributes: [{ name: "berth.host-group", value: name }] });
  const fast = instanceWith("a", { cpu: 300 }, inGroup("fast"));
  const slow = instanceWith("b", {}, inGroup("slow"));
  const none = instanceWith("c");
  const leaving = instanceWith("d", {}, { ...inGroup("slow"), status: "DRAINING" });
  const fleet = fleetWith([fast, slow, none, leaving]);
  const request = requestOf({ capacityProvider: { name: "quick", hostGroup: "fast" } });
  const placer = new Placer(request, fleet, seededRandom(1), 1);
  assert.deepEqual(placer.place(), { kind: "placed", instance: fast });
  assert.deepEqual(placer.place(), {
    kind: "refused",
    closest: { arn: fast.arn, reason: "RESOURCE:CPU" },
    capacityProvider: "quick",
  });
  const { instances, draining, capacityProvider } = placer.explain();
  assert.deepEqual([instances.map((one) => one.arn), draining, capacityProvider], [[fast.arn], [], "quick"]);
  const room = roomFor(request, fleet);
  assert.deepEqual([fast, slow, none].map(room), [1, 0, 0]);
  // The same request without the provider, and with another one: what was found out about one is not said of the other.
  assert.deepEqual([fast, slow, none].map(roomFor(requestOf(), fleet)), [1, 4, 4]);
  const empty = requestOf({ capacityProvider: { name: "other", hostGroup: "other" } });
  const refusal = placeTask(empty, fleet, seededRandom(1));
  assert.deepEqual(refusal, { kind: "refused", closest: undefined, capacityProvider: "other" });
  assert.ok(refusal.kind === "refused");
  const sentence = "No Container Instances were found in your capacity provider.";
  assert.match(explainRefusal(refusal), new RegExp(`Reason: ${sentence}`));
  assert.equal(describePlacement(explainPlacement(empty, fleet)), sentence);
});
