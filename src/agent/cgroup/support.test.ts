import assert from "node:assert/strict";
import { test } from "node:test";
import type { RuntimeHost } from "../container-runtime.ts";
import type { DockerEndpoint } from "../docker/endpoint.ts";
import { taskLimitSupport } from "./support.ts";

const here: RuntimeHost = {
  ...{ cpus: 2, memoryBytes: 1, volumeDrivers: [], rootless: false, kernel: "6.1", operatingSystem: "Debian" },
  ...{ cgroupDriver: "cgroupfs", cgroupVersion: "2" },
};
const socket: DockerEndpoint = { kind: "socket", path: "/s" };

const cases: readonly [what: string, engine: Partial<RuntimeHost>, endpoint: DockerEndpoint, why: RegExp][] = [
  ["the driver systemd", { cgroupDriver: "systemd" }, socket, /cgroup driver is "systemd", and it must be "cgroupfs"/],
  ["no driver", { cgroupDriver: "none" }, socket, /"none"/],
  ["no root", { rootless: true }, socket, /without root/],
  ["Docker Desktop", { operatingSystem: "Docker Desktop" }, socket, /virtual machine/],
  ["another kernel", { kernel: "6.6-linuxkit" }, socket, /virtual machine/],
  ["TCP", {}, { kind: "tcp", host: "h", port: 2375 }, /TCP/],
  ["an unknown version", { cgroupVersion: "3" }, socket, /version "3"/],
  ["no hierarchy", {}, socket, /control groups cannot be made below \/ecs \(cgroup v2 is not mounted\)/],
];
for (const [what, engine, endpoint, why] of cases)
  test(`an engine with ${what} leaves tasks without limits of their own, and the reason is told`, () => {
    const support = taskLimitSupport({ ...here, ...engine }, endpoint, "/ecs", { kernel: "6.1", hierarchies: [] });
    assert.match(support.kind === "unsupported" ? support.why : "", why);
  });

test("groups that this process may not make are a reason too", () => {
  const hierarchies = [{ root: "/proc/self", version: 2, controllers: [] } as const];
  const support = taskLimitSupport(here, socket, "/ecs", { kernel: "6.1", hierarchies });
  assert.match(support.kind === "unsupported" ? support.why : "", /cannot be made below \/ecs \(E/);
});
