import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { containerLauncher, startBalancer } from "../src/balancer/index.ts";
import { clock, get, HAPROXY, log, newDir, startTarget, stateOf, undo, until, untilHealthy } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

/** A Docker Engine of its own, with an image made of this machine's HAProxy. Resolves with a `docker` that talks to it. */
async function startEngine(): Promise<string> {
  const dir = newDir();
  const host = `unix://${join(dir, "docker.sock")}`;
  const place = ["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec"), "--pidfile", join(dir, "pid")];
  const network = ["--iptables=false", "--ip6tables=false", "--bridge=none", "--storage-driver=vfs"];
  const out = openSync(join(dir, "log"), "a");
  const engine = spawn("dockerd", ["--host", host, ...place, ...network], { stdio: ["ignore", out, out] });
  const gone = new Promise((resolve) => engine.once("exit", resolve));
  undo.push(async () => {
    engine.kill("SIGTERM");
    await gone;
    execFileSync("umount", [join(dir, "exec/netns/default")]); // the one for the host's network outlives the engine
  });
  const docker = join(dir, "docker");
  writeFileSync(docker, `#!/bin/sh\nexec docker --host '${host}' "$@"\n`, { mode: 0o755 });
  const answers = () => {
    try {
      return execFileSync(docker, ["info", "--format", "{{.ID}}"], { stdio: ["ignore", "pipe", "ignore"] }).length > 1;
    } catch {
      return false; // not up yet
    }
  };
  await until("the engine answers", answers, 20_000);
  const root = join(dir, "root");
  const libraries = execFileSync("ldd", [HAPROXY], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  for (const file of [HAPROXY, ...libraries]) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  const archive = join(dir, "root.tar");
  execFileSync("tar", ["-C", root, "-cf", archive, "."]);
  execFileSync(docker, ["import", "--change", "ENV PATH=/usr/sbin", archive, "haproxy:test"]);
  return docker;
}

for (const sockets of ["unix", "loopback"] as const)
  test(`HAProxy in a container, commanded over ${sockets} sockets, is started, reloaded, adopted, restarted and ended`, async () => {
    const docker = await startEngine();
    const loopback = sockets === "unix" ? undefined : { runtimePort: await freePort(), masterPort: await freePort() };
    const launcher = containerLauncher({ docker, image: "haproxy:test", loopback });
    const target = await startTarget("a");
    const [port, other] = [await freePort(), await freePort()];
    const state = stateOf(port, [target.state]);
    const two = { ...state, listeners: [...state.listeners, { ...state.listeners[0]!, id: "other", port: other }] };
    const dir = newDir();
    const first = await startBalancer({ dir, launcher, clock, log });
    undo.push(() => first.stop({ graceMs: 0 }));
    first.apply(state);
    await first.settled();
    await untilHealthy(first, 1);
    first.apply(two);
    await first.settled();
    assert.equal((await get(other)).status, 200);
    await first.stop({ keepRunning: true });
    const second = await startBalancer({ dir, launcher, clock, log });
    undo.push(() => second.stop({ graceMs: 0 }));
    second.apply(two);
    await second.settled();
    assert.equal(second.status().generation, 2);
    const names = () => execFileSync(docker, ["ps", "--all", "--format", "{{.Names}}"], { encoding: "utf8" }).trim();
    execFileSync(docker, ["kill", names()]);
    await until("it is back", async () => (await get(port).catch(() => undefined))?.status === 200);
    await second.stop({ graceMs: 2000 });
    await assert.rejects(get(port), /ECONNREFUSED/);
    await until("no container is left", () => names() === "");
  });
