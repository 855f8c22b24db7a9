import assert from "node:assert/strict";
import { test } from "node:test";
import { detectMachine, type Surroundings } from "./machine.ts";

const bare: Surroundings = {
  platform: "linux",
  isRoot: true,
  env: { HOME: "/home/me" },
  hasProgram: () => true,
  engineAnswers: async () => false,
};

test("root on Linux with all programs makes hosts", async () => {
  assert.deepEqual(await detectMachine(bare), { mode: "hosts", missing: [], haproxy: "path" });
});

test("root on Linux without dockerd is told which package to get", async () => {
  const machine = await detectMachine({ ...bare, hasProgram: (program) => program !== "dockerd" });
  assert.equal(machine.mode, "none");
  assert.deepEqual(machine.missing, ["dockerd is missing; on Debian or Ubuntu: apt-get install docker.io"]);
});

test("a Mac with Docker Desktop uses its engine, and HAProxy in a container", async () => {
  const desktop = "unix:///home/me/.docker/run/docker.sock";
  const machine = await detectMachine({
    ...bare,
    platform: "darwin",
    hasProgram: () => false,
    engineAnswers: async (dockerHost) => dockerHost === desktop,
  });
  assert.deepEqual(machine, {
    mode: "engine",
    missing: ["local hosts need Linux; this is darwin"],
    haproxy: "container",
    dockerHost: desktop,
  });
});

test("a user without root uses the engine of DOCKER_HOST and no other", async () => {
  const env = { DOCKER_HOST: "tcp://127.0.0.1:2375" };
  const asUser = { ...bare, isRoot: false, env };
  const answering = await detectMachine({ ...asUser, engineAnswers: async (host) => host === env.DOCKER_HOST });
  assert.deepEqual([answering.mode, answering.dockerHost, answering.haproxy], ["engine", env.DOCKER_HOST, "path"]);
  const silent = await detectMachine({ ...asUser, engineAnswers: async (host) => host !== env.DOCKER_HOST });
  assert.deepEqual([silent.mode, silent.dockerHost], ["none", undefined]);
  assert.match(silent.missing[0] ?? "", /need root/);
});
