import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Placer, roomFor, spreadFields } from "./index.ts";
import { fleetWith, instanceWith, requestOf } from "./testing.ts";

test("[DP24] an instance has room for as many tasks as the placer would place there", () => {
  const size = fc.nat(4).map((n) => n * 256);
  const request = fc.record({
    cpu: size,
    memoryMiB: size,
    isDistinct: fc.boolean(),
    port: fc.boolean(),
    peers: fc.nat(1),
  });
  const seen = { none: 0, some: 0 };
  fc.assert(
    fc.property(request, size, size, fc.boolean(), (r, cpu, memoryMiB, agentConnected) => {
      const instance = instanceWith("a", { cpu, memoryMiB }, { agentConnected });
      const asked = requestOf({
        need: { cpu: r.cpu, memoryMiB: r.memoryMiB, ports: r.port ? [80] : [], portsUdp: [] },
        constraints: r.isDistinct ? [{ type: "distinctInstance" }] : [],
      });
      const fleet = fleetWith([instance], new Map([[instance.arn, r.peers]]));
      const placer = new Placer(asked, fleet, { next: () => 0 });
      let placed = 0;
      while (placed < 20 && placer.place().kind === "placed") placed++;
      assert.equal(Math.min(20, roomFor(asked, fleet)(instance)), placed);
      if (placed === 0) seen.none++;
      else seen.some++;
    }),
  );
  assert.ok(seen.none > 0 && seen.some > 0);
  const draining = instanceWith("a", {}, { status: "DRAINING" });
  assert.equal(roomFor(requestOf(), fleetWith([draining]))(draining), 0);
});

test("[DP24] tasks are spread over the fields that a strategy begins with", () => {
  const zone = "attribute:ecs.availability-zone";
  assert.deepEqual(spreadFields([]), [zone, "instanceId"]);
  assert.deepEqual(spreadFields([{ type: "spread", field: "host" }]), ["host"]);
  assert.deepEqual(
    spreadFields([
      { type: "spread", field: zone },
      { type: "binpack", field: "cpu" },
    ]),
    [zone],
  );
  assert.deepEqual(
    spreadFields([
      { type: "binpack", field: "cpu" },
      { type: "spread", field: zone },
    ]),
    [],
  );
});
