import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { makeCertificate } from "../src/api/acm/testing.ts";
import { carriersRig } from "../src/balancer/carriers/testing.ts";
import { type BalancerState, openKeptState, type TlsState } from "../src/balancer/index.ts";
import { seededRandom } from "../src/runtime/random.ts";
import { clock, log, newDir, start, startTarget, stateOf, undo, until, untilHealthy } from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

const POLICY: TlsState["policy"] = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  cipherSuites: "TLS_AES_128_GCM_SHA256",
};

/** The status of a GET over TLS. */
function status(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, agent: false, rejectUnauthorized: false }, (answer) => {
      answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
    });
    asked.on("error", reject).end();
  });
}

/** Whose certificate is shown. */
async function shown(port: number): Promise<string | undefined> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerX509Certificate() ?? {};
  socket.destroy();
  return subject;
}

/** Every file below `dir` but those of HAProxy's certificates, as one text. */
function textOf(dir: string): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith("/certificates"))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");
}

test("a host carries an HTTPS listener that it is told of, and after a reboot without any control plane again", async () => {
  const [target, port, dir] = [await startTarget("a"), await freePort(), newDir()];
  const made = makeCertificate(["a.test"]);
  const tls: TlsState = { certificateIds: ["cert"], policy: POLICY, alpn: [] };
  const plain = stateOf(port, [target.state]);
  const state: BalancerState = {
    ...plain,
    listeners: plain.listeners.map((listener) => ({ ...listener, tls })),
    certificates: [{ id: "cert", certificates: made.certificate, privateKey: made.privateKey }],
  };
  const kept = () => {
    const at = join(dir, "state");
    mkdirSync(at, { recursive: true });
    return openKeptState(at, { clock, random: seededRandom(3), log });
  };
  const rig = await carriersRig();
  undo.push(() => rig.close());

  const balancer = await start(join(dir, "haproxy"));
  const host = rig.host({ balancer, address: "127.0.0.1", kept: kept() });
  await until("the host has joined", () => rig.carriers.connected().length === 1);
  const [carrier] = rig.carriers.connected();
  carrier?.balancer.apply(state);
  await carrier?.balancer.settled();
  await until("the target is healthy", () => carrier?.balancer.reports()[0]?.state === "healthy");
  assert.equal(await status(port), 200);
  assert.match((await shown(port)) ?? "", /a\.test/);

  await host.stop();
  await balancer.stop({ graceMs: 0 });
  rig.cut();
  assert.ok(!textOf(dir).includes(made.privateKey.split("\n")[1] ?? "none"), "a private key lies open");
  const rebooted = await start(join(dir, "haproxy"));
  rig.host({ balancer: rebooted, address: "127.0.0.1", kept: kept() });
  await untilHealthy(rebooted, 1);
  assert.equal(await status(port), 200);
  assert.match((await shown(port)) ?? "", /a\.test/);
});
