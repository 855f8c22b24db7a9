import assert from "node:assert/strict";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { seededRandom } from "../runtime/random.ts";
import { createAcmeClient } from "./acme-client.ts";
import { AcmeError } from "./acme-server.ts";
import { newPrivateKey, privateKeyText } from "./keys.ts";
import { issueLocally, newAuthority } from "./local-authority.ts";

const NOW = Date.UTC(2026, 0, 1);
const random = seededRandom(3);
const root = await newAuthority(Date.now(), random);
const own = await issueLocally(root, { names: ["localhost"], keyAlgorithm: "EC_prime256v1" }, Date.now(), random);
const key = await newPrivateKey("EC_prime256v1");
const never = new AbortController().signal;

/** What the server answers to signed requests, in order; the last stays. */
let answers: ((response: ServerResponse) => void)[] = [];
const requests: { readonly header: { readonly nonce: string; readonly jwk?: unknown }; readonly payload: unknown }[] =
  [];
let nonces = 0;

const server = createServer({ cert: own.certificate, key: privateKeyText(own.key) }, (request, response) => {
  response.setHeader("replay-nonce", `nonce-${++nonces}`);
  if (request.url === "/directory") {
    const names = ["newNonce", "newAccount", "newOrder"].map((name) => [name, `${origin}/${name}`]);
    return response.end(JSON.stringify(Object.fromEntries(names)));
  }
  if (request.method === "HEAD") return response.end();
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const { protected: header, payload } = JSON.parse(body);
    const decoded = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString() || "null");
    requests.push({ header: decoded(header), payload: decoded(payload) });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(response);
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
after(() => {
  server.closeAllConnections();
  server.close();
});
const origin = `https://localhost:${(server.address() as AddressInfo).port}`;

const client = (ca = root.certificate) =>
  createAcmeClient({ directory: `${origin}/directory`, ca, clock: { now: () => NOW } });
const account = { key, url: `${origin}/account/1` };
const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    response.writeHead(status, headers).end(JSON.stringify(body));
const problem = (type: string, detail: string, more: object = {}) => ({
  type: `urn:ietf:params:acme:error:${type}`,
  detail,
  ...more,
});

async function errorOf(work: Promise<unknown>): Promise<AcmeError> {
  return work.then(
    () => assert.fail("it was answered"),
    (error) => (error instanceof AcmeError ? error : assert.fail(String(error))),
  );
}

test("a nonce that is refused is replaced, ten times at most, and none is used twice", async () => {
  const order = { status: "pending", authorizations: ["a"], finalize: "f" };
  answers = [json(400, problem("badNonce", "used")), json(400, problem("badNonce", "used")), json(200, order)];
  requests.length = 0;
  assert.deepEqual((await client().order(account, `${origin}/order/1`, never)).authorizations, ["a"]);
  assert.equal(new Set(requests.map(({ header }) => header.nonce)).size, 3);
  answers = [json(400, problem("badNonce", "used"))];
  requests.length = 0;
  assert.equal((await errorOf(client().order(account, `${origin}/order/1`, never))).type, "badNonce");
  assert.equal(requests.length, 10);
});

test("an account that is there already is told the address for mail anew", async () => {
  const location = { location: account.url };
  answers = [json(200, { status: "valid", contact: [] }, location)];
  requests.length = 0;
  assert.equal(await client().register(key, "ops@a.example", never), account.url);
  const contact = ["mailto:ops@a.example"];
  assert.deepEqual(
    requests.map(({ header, payload }) => [header.jwk !== undefined, payload]),
    [
      [true, { termsOfServiceAgreed: true, contact }],
      [false, { contact }],
    ],
  );
});

test("what a server says is wrong comes with its parts, its status and how long to wait, in seconds or by date", async () => {
  const subproblems = [{ identifier: { value: "a.example" }, detail: "forbidden" }];
  answers = [json(429, problem("rateLimited", "too many", { subproblems }), { "retry-after": "90" })];
  const refused = await errorOf(client().newOrder(account, ["a.example"], never));
  assert.deepEqual(
    [refused.message, refused.type, refused.status, refused.retryAfterMs],
    ["too many; a.example: forbidden", "rateLimited", 429, 90_000],
  );
  answers = [json(503, "busy", { "retry-after": new Date(NOW + 60_000).toUTCString() })];
  const busy = await errorOf(client().newOrder(account, ["a.example"], never));
  assert.deepEqual([busy.type, busy.status, busy.retryAfterMs], [undefined, 503, 60_000]);
});

test("what is no answer of an ACME server is an error that says so, and none hangs or fills the memory", async () => {
  answers = [(response) => response.end("<html>")];
  assert.match((await errorOf(client().order(account, `${origin}/order/1`, never))).message, /is not JSON/);
  answers = [(response) => response.end("x".repeat(2 * 1024 * 1024))];
  assert.match((await errorOf(client().certificate(account, `${origin}/c`, never))).message, /more than 1048576 bytes/);
  answers = [(response) => response.destroy()];
  assert.match((await errorOf(client().order(account, `${origin}/order/1`, never))).message, /cannot be reached/);
  const other = await newAuthority(Date.now(), random);
  assert.match(
    (await errorOf(client(other.certificate).order(account, `${origin}/order/1`, never))).message,
    /cannot be reached.*certificate/,
  );
  const ending = new AbortController();
  answers = [() => ending.abort(new Error("the control plane ends"))];
  await assert.rejects(client().order(account, `${origin}/order/1`, ending.signal), /the control plane ends/);
});
