import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RuntimeError, type RuntimeErrorKind } from "../container-runtime.ts";
import { type DockerHttp, dockerHttp } from "./http.ts";
import { readPull } from "./pull.ts";

/** Runs a test against a daemon that answers as told, on a socket as a real one's. */
async function withDaemon(answer: RequestListener, body: (http: DockerHttp) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "berth-http-"));
  const path = join(dir, "d.sock");
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const http = dockerHttp({ kind: "socket", path });
  try {
    await body(http);
  } finally {
    http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true, force: true });
  }
}
const get = { method: "GET", path: "/x", timeoutMs: 2_000 } as const;
const isKind = (kind: RuntimeErrorKind, message: RegExp) => (error: unknown) =>
  error instanceof RuntimeError && error.kind === kind && message.test(error.message);

const answers: readonly [what: string, answer: RequestListener, kind: RuntimeErrorKind, message: RegExp][] = [
  [
    "404",
    (_, r) => r.writeHead(404).end('{"message":"No such container: x"}'),
    "not-found",
    /^Error response from daemon: No such container: x$/,
  ],
  ["409", (_, r) => r.writeHead(409).end('{"message":"Conflict."}'), "conflict", /Conflict/],
  ["500", (_, r) => r.writeHead(500).end('{"message":"driver failed"}'), "failed", /driver failed/],
  ["a failure that is not JSON", (_, r) => r.writeHead(502).end("<html>"), "failed", /<html>/],
  ["200 that is not JSON", (_, r) => r.end("{"), "failed", /not JSON/],
  [
    "an answer that breaks off",
    (_, r) => void r.writeHead(200, { "content-length": 100 }).write("{", () => r.destroy()),
    "unreachable",
    /broke off/,
  ],
  ["a connection that breaks", (q) => q.socket.destroy(), "unreachable", /cannot reach the Docker daemon/],
];
for (const [what, answer, kind, message] of answers)
  test(`${what} is told as ${kind}`, () =>
    withDaemon(answer, (http) => assert.rejects(http.json(get), isKind(kind, message))));

test("a daemon that is not there is unreachable, one that does not answer is a timeout", async () => {
  const http = dockerHttp({ kind: "socket", path: "/nonexistent/d.sock" });
  await assert.rejects(http.json(get), isKind("unreachable", /ENOENT/));
  await withDaemon(
    () => undefined,
    (mute) => assert.rejects(mute.json({ ...get, timeoutMs: 50 }), isKind("timeout", /within 50 ms/)),
  );
});

test("a kept connection that the daemon has closed is replaced without a word", () => {
  const sockets = new Set<object>();
  return withDaemon(
    (request, response) => {
      const first = sockets.size === 0;
      const known = sockets.has(request.socket);
      sockets.add(request.socket);
      // The second request on the first connection finds it reset, as after a restart of the daemon.
      if (known && !first) request.socket.destroy();
      else response.end("{}");
    },
    async (http) => {
      await http.json(get);
      await new Promise<void>((resolve) => setImmediate(resolve));
      await http.json(get);
      assert.equal(sockets.size, 2);
    },
  );
});

test("a pull that fails says so in its stream, after a 200", () =>
  withDaemon(
    (_, response) => response.end('{"status":"Pulling"}\n{"errorDetail":{"message":"manifest unknown"},"error":"x"}\n'),
    async (http) => {
      let progress = 0;
      const pull = readPull(await http.stream(get), () => progress++);
      await assert.rejects(pull, isKind("not-found", /manifest unknown/));
      assert.equal(progress, 1);
    },
  ));
