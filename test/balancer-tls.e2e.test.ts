import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { createServer as createHttpsServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { type ConnectionOptions, connect, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { makeCertificate } from "../src/api/acm/testing.ts";
import type { BalancerState, CertificateState, TlsState } from "../src/balancer/index.ts";
import {
  ask as askPlain,
  healthCheck,
  load,
  newDir,
  start,
  startTarget,
  stateOf,
  undo,
  until,
  untilHealthy,
} from "./balancer-rig.ts";
import { freePort } from "./rig/free-port.ts";

const POLICY: TlsState["policy"] = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
  cipherSuites: "TLS_AES_128_GCM_SHA256",
};

function certificate(id: string, ...names: string[]): CertificateState {
  const made = makeCertificate(names);
  return { id, certificates: made.certificate, privateKey: made.privateKey };
}

function secure(state: BalancerState, certificates: readonly CertificateState[], tls: Partial<TlsState> = {}) {
  const certificateIds = certificates.map(({ id }) => id);
  const whole: TlsState = { certificateIds, policy: POLICY, alpn: ["h2", "http/1.1"], ...tls };
  return {
    ...state,
    certificates,
    listeners: state.listeners.map((listener) => ({ ...listener, tls: whole })),
  };
}

/** Opens a TLS connection and tells what was shown and agreed. */
async function handshake(port: number, servername: string, options: ConnectionOptions = {}) {
  const socket: TLSSocket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false, ...options });
  try {
    await once(socket, "secureConnect");
    const { subject } = socket.getPeerX509Certificate() ?? {};
    return { subject, protocol: socket.getProtocol(), alpn: socket.alpnProtocol, cipher: socket.getCipher().name };
  } finally {
    socket.destroy();
  }
}

/** One request over HTTPS, with the answer's body. */
function ask(port: number, servername: string): Promise<{ status: number; body: string; location?: string }> {
  return new Promise((resolve, reject) => {
    const headers = { host: servername };
    const req = request(
      { host: "127.0.0.1", port, servername, headers, rejectUnauthorized: false, agent: false },
      (res) => {
        let body = "";
        res.on("data", (chunk) => {
          body += chunk;
        });
        res.on("end", () => resolve({ status: res.statusCode ?? 0, body, location: res.headers.location }));
      },
    );
    req.on("error", reject);
    req.end();
  });
}

test("clients are shown the certificate for the server they name, and speak what the policy allows", async () => {
  const target = await startTarget("a");
  const port = await freePort();
  const balancer = await start();
  const shown = [certificate("a", "a.test"), certificate("b", "b.test", "*.b.test")];
  balancer.apply(secure(stateOf(port, [target.state]), shown));
  await untilHealthy(balancer, 1);
  assert.equal((await handshake(port, "a.test")).subject, "CN=a.test");
  assert.equal((await handshake(port, "b.test")).subject, "CN=b.test");
  assert.equal((await handshake(port, "x.b.test")).subject, "CN=b.test");
  assert.equal((await handshake(port, "other.test")).subject, "CN=a.test");
  const { headers } = JSON.parse((await ask(port, "a.test")).body);
  assert.deepEqual([headers["x-forwarded-proto"], headers["x-forwarded-port"]], ["https", String(port)]);
  assert.deepEqual(await handshake(port, "a.test", { ALPNProtocols: ["h2", "http/1.1"], maxVersion: "TLSv1.2" }), {
    subject: "CN=a.test",
    protocol: "TLSv1.2",
    alpn: "h2",
    cipher: "ECDHE-ECDSA-AES128-GCM-SHA256",
  });
  await assert.rejects(
    handshake(port, "a.test", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }),
    /alert|version/i,
  );
  const session = connectHttp2(`https://127.0.0.1:${port}`, { servername: "a.test", rejectUnauthorized: false });
  undo.push(() => session.close());
  const stream = session.request({ ":path": "/" });
  const [answer] = await once(stream, "response");
  assert.equal(answer[":status"], 200);
  stream.close();
});

test("the oldest policy lets TLS 1.0 in", async () => {
  const port = await freePort();
  const balancer = await start();
  const policy = {
    minVersion: "TLSv1.0",
    maxVersion: "TLSv1.2",
    ciphers: "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
  } as const;
  const state = secure(stateOf(port, []), [certificate("a", "a.test")], { policy: { ...policy, cipherSuites: "" } });
  balancer.apply(state);
  await balancer.settled();
  const old = { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "ALL:@SECLEVEL=0" } as const;
  assert.equal((await handshake(port, "a.test", old)).protocol, "TLSv1");
});

test("certificates come, change and go without a reload and without a failed request; their files are for their owner", async () => {
  const target = await startTarget("a");
  const [port, plain] = [await freePort(), await freePort()];
  const dir = newDir();
  const balancer = await start(dir);
  const [a, b] = [certificate("a", "a.test"), certificate("b", "b.test")];
  const state = (...shown: CertificateState[]) => {
    const base = stateOf(port, [target.state]);
    const both = secure(base, shown);
    return { ...both, listeners: [...both.listeners, { ...base.listeners[0]!, id: "plain", port: plain }] };
  };
  balancer.apply(state(a));
  await untilHealthy(balancer, 1);
  const { generation } = balancer.status();
  const { counts, stop } = load(plain);
  await until("traffic flows", () => counts.sent > 20);
  const serial = ({ certificates }: CertificateState) => new X509Certificate(certificates).serialNumber;
  const shownSerial = async (name: string) => {
    const socket = connect({ host: "127.0.0.1", port, servername: name, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    const { serialNumber } = socket.getPeerX509Certificate() ?? {};
    socket.destroy();
    return serialNumber;
  };
  balancer.apply(state(a, b));
  await balancer.settled();
  assert.equal(await shownSerial("b.test"), serial(b));
  const renewed = { ...certificate("b", "b.test"), id: "b" };
  balancer.apply(state(a, renewed));
  await balancer.settled();
  assert.equal(await shownSerial("b.test"), serial(renewed));
  const renewedDefault = { ...certificate("a", "a.test"), id: "a" };
  balancer.apply(state(renewedDefault, renewed));
  await balancer.settled();
  assert.equal(await shownSerial("a.test"), serial(renewedDefault));
  // The next process finds what this one left, and goes on from there.
  await balancer.stop({ keepRunning: true });
  const next = await start(dir);
  next.apply(state(renewedDefault, b));
  await next.settled();
  assert.equal(await shownSerial("b.test"), serial(b));
  next.apply(state(renewedDefault));
  await next.settled();
  assert.equal(await shownSerial("b.test"), serial(renewedDefault));
  assert.equal(next.status().generation, generation);
  assert.deepEqual((await stop()).failures, []);
  const files = readdirSync(join(dir, "certificates"));
  assert.equal(files.length, 2, files.join());
  for (const file of files) assert.equal(statSync(join(dir, "certificates", file)).mode & 0o777, 0o600);
  assert.ok(!readFileSync(join(dir, "haproxy.cfg"), "utf8").includes("PRIVATE KEY"));
  // Another default is a reload; so it holds after HAProxy was killed.
  next.apply(state(b, renewedDefault));
  await next.settled();
  assert.equal(next.status().generation, generation + 1);
  assert.equal(await shownSerial("other.test"), serial(b));
  process.kill(next.status().pid!, "SIGKILL");
  await until("it is back", async () => (await ask(port, "b.test").catch(() => undefined))?.status === 200);
  assert.equal(await shownSerial("other.test"), serial(b));
});

test("a redirect keeps to HTTPS where it says so", async () => {
  const port = await freePort();
  const balancer = await start();
  const state = secure(stateOf(port, []), [certificate("a", "a.test")]);
  const parts = { host: "#{host}", port: "#{port}", query: "#{query}" };
  const defaultAction = {
    type: "redirect",
    statusCode: 302,
    protocol: "#{protocol}",
    path: "/moved",
    ...parts,
  } as const;
  balancer.apply({ ...state, listeners: state.listeners.map((listener) => ({ ...listener, defaultAction })) });
  await balancer.settled();
  assert.equal((await ask(port, "a.test")).location, `https://a.test:${port}/moved`);
});

test("targets that speak TLS get it, whatever certificate they show, and their checks too", async () => {
  const made = makeCertificate(["somebody.else"]);
  const target = createHttpsServer({ cert: made.certificate, key: made.privateKey }, (_req, res) => res.end("secret"));
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  undo.push(() => {
    target.closeAllConnections();
    return new Promise((resolve) => target.close(resolve));
  });
  const port = await freePort();
  const balancer = await start();
  const state = { id: "a", address: "127.0.0.1", port: (target.address() as AddressInfo).port, draining: false };
  const tls = { tls: true, healthCheck: { ...healthCheck, tls: true } };
  balancer.apply(stateOf(port, [state], tls));
  await untilHealthy(balancer, 1);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await answer.text(), "secret");
  // The same after a reload, when it is written into the configuration.
  const again = stateOf(port, [state], tls);
  balancer.apply({
    ...again,
    listeners: [...again.listeners, { ...again.listeners[0]!, id: "b", port: await freePort() }],
  });
  await balancer.settled();
  // On the connection that fetch has kept, and on one that the new worker was the first to see.
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "secret");
  assert.equal((await askPlain(port, "/")).body, "secret");
  assert.equal(balancer.reports()[0]?.state, "healthy");
});

test("a TLS listener decrypts connections for TCP targets and agrees on a protocol by its ALPN policy", async () => {
  const made = makeCertificate(["inner.test"]);
  const inner = createTlsServer({ cert: made.certificate, key: made.privateKey }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(inner, "listening");
  undo.push(() => inner.close());
  const port = await freePort();
  const balancer = await start();
  const target = { id: "a", address: "127.0.0.1", port: (inner.address() as AddressInfo).port, draining: false };
  const tcp = { protocol: "TCP", tls: true, healthCheck: { ...healthCheck, protocol: "TCP" } } as const;
  const base = stateOf(port, [target], tcp);
  const state = { ...base, listeners: base.listeners.map((listener) => ({ ...listener, protocol: "TCP" as const })) };
  balancer.apply(secure(state, [certificate("a", "a.test")], { alpn: ["http/1.1", "h2"] }));
  await untilHealthy(balancer, 1);
  const socket = connect({
    host: "127.0.0.1",
    port,
    servername: "a.test",
    rejectUnauthorized: false,
    ALPNProtocols: ["h2", "http/1.1"],
  });
  undo.push(() => socket.destroy());
  socket.write("hello");
  assert.equal(String((await once(socket, "data"))[0]), "hello");
  assert.equal(socket.alpnProtocol, "http/1.1");
});
