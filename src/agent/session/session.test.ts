import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { keepSession } from "./session.ts";

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !holds(); turn++) await sleep(10);
  assert.ok(holds(), `never: ${what}`);
}

/** A session to a server that refuses it with `refusal`, as JSON, while there is one. */
async function rig(t: TestContext) {
  const seen = { attempts: 0, inactive: 0, failures: 0, opened: 0 };
  const server: { refusal?: object; client?: WebSocket } = {};
  const sockets = new WebSocketServer({ noServer: true });
  const http = createServer().on("upgrade", (request, socket, head) => {
    seen.attempts++;
    if (server.refusal === undefined) {
      sockets.handleUpgrade(request, socket, head, (client) => {
        server.client = client;
      });
      return;
    }
    const body = JSON.stringify(server.refusal);
    socket.end(`HTTP/1.1 400 Bad Request\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const clock = new ManualClock();
  const url = new URL(`ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws`);
  const open = () => {
    const session = keepSession({
      ...{ name: "ACS", clock, random: seededRandom(1), log: silentLog() },
      target: async () => ({ url, headers: {} }),
      onFailure: () => void seen.failures++,
      onInactive: () => void seen.inactive++,
      onOpen: () => void seen.opened++,
      onMessage: () => undefined,
    });
    t.after(() => session.close());
  };
  t.after(() => {
    for (const client of sockets.clients) client.terminate();
    http.close();
  });
  return { server, seen, clock, open };
}

test("a refusal as inactive is told each time, and the session is tried again about once a minute until it opens", async (t) => {
  const { server, seen, clock, open } = await rig(t);
  server.refusal = { InactiveInstanceException: "The container instance is deregistered." };
  open();
  await until("it is refused", () => seen.inactive === 1 && seen.failures === 1);
  clock.advance(47_000);
  await sleep(50);
  assert.equal(seen.attempts, 1);
  clock.advance(25_000);
  await until("it is refused again", () => seen.inactive === 2 && seen.failures === 2);
  server.refusal = undefined;
  clock.advance(72_000);
  await until("it is open", () => seen.opened === 1);
  server.client?.close(1001, "InactiveInstanceException: the container instance is deregistered");
  await until("its end is told", () => seen.inactive === 3);
});

test("another refusal, or a broken connection, is not taken for a deregistration", async (t) => {
  const { server, seen, clock, open } = await rig(t);
  server.refusal = { InvalidInstanceException: "The container instance is not registered." };
  open();
  await until("it is refused", () => seen.failures === 1);
  server.refusal = undefined;
  clock.advance(300);
  await until("it is open", () => seen.opened === 1);
  server.client?.terminate();
  await until("it is lost", () => seen.failures === 2);
  assert.equal(seen.inactive, 0);
});
