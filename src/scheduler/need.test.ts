import assert from "node:assert/strict";
import { test } from "node:test";
import { type NeedOverrides, type NeedSource, needOf, requiredAttributesOf } from "./need.ts";

const web = { name: "web", cpu: 128, memory: 512, memoryReservation: 256 };
const side = { name: "side", memory: 64 };

test("[PL1] what a task takes of its instance", () => {
  const rows: [string, NeedSource, NeedOverrides, [number, number, number[], number[]]][] = [
    [
      "the task's own figures win",
      { cpu: "1024", memory: "2048", containerDefinitions: [web] },
      {},
      [1024, 2048, [], []],
    ],
    ["else the containers' sums", { containerDefinitions: [web, side] }, {}, [128, 320, [], []]],
    [
      "overrides count",
      { containerDefinitions: [web, side] },
      {
        containerOverrides: [
          { name: "web", cpu: 512, memoryReservation: 128 },
          { name: "side", memory: 128 },
        ],
      },
      [512, 256, [], []],
    ],
    [
      "the task's override wins",
      { cpu: "256", containerDefinitions: [web] },
      { cpu: "512", memory: "99" },
      [512, 99, [], []],
    ],
    [
      "static host ports in bridge mode",
      {
        containerDefinitions: [
          {
            ...web,
            portMappings: [
              { containerPort: 80 },
              { containerPort: 81, hostPort: 0 },
              { containerPort: 82, hostPort: 8082 },
              { containerPort: 53, hostPort: 53, protocol: "udp" },
            ],
          },
        ],
      },
      {},
      [128, 256, [8082], [53]],
    ],
    [
      "all container ports in host mode",
      {
        networkMode: "host",
        containerDefinitions: [{ ...web, portMappings: [{ containerPort: 80 }, { containerPort: 80 }] }],
      },
      {},
      [128, 256, [80], []],
    ],
    [
      "no host port in awsvpc mode",
      {
        networkMode: "awsvpc",
        containerDefinitions: [{ ...web, portMappings: [{ containerPort: 80, hostPort: 80 }] }],
      },
      {},
      [128, 256, [], []],
    ],
  ];
  for (const [what, definition, overrides, [cpu, memoryMiB, ports, portsUdp]] of rows) {
    assert.deepEqual(needOf(definition, overrides), { cpu, memoryMiB, ports, portsUdp }, what);
  }
});

test("[PL15] GPUs are the sum over the containers, with the overrides' in place of the definition's", () => {
  const gpus = (value: string) => ({ resourceRequirements: [{ type: "GPU" as const, value }] });
  const definition = { containerDefinitions: [{ ...web, ...gpus("2") }, { ...side, ...gpus("1") }, { name: "none" }] };
  assert.equal(needOf(definition).gpuCount, 3);
  const override = (value: string) => ({ containerOverrides: [{ name: "web", ...gpus(value) }] });
  assert.equal(needOf(definition, override("4")).gpuCount, 5);
  assert.equal("gpuCount" in needOf({ containerDefinitions: [web] }, override("0")), false);
});

test("[PL3] the processor that a runtimePlatform names is a required attribute", () => {
  const required = requiredAttributesOf({
    requiresAttributes: [{ name: "a" }],
    runtimePlatform: { cpuArchitecture: "ARM64" },
  });
  assert.deepEqual(required, [{ name: "a" }, { name: "ecs.cpu-architecture", value: "arm64" }]);
});
