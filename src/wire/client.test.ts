import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { systemClock } from "../runtime/clock.ts";
import { type AwsClientOptions, createAwsClient, UnreachableError } from "./client.ts";
import { AwsError } from "./errors.ts";
import { RIG_KEY, RIG_REGION, startWireRig, type WireRig } from "./wire-rig.ts";

let rig: WireRig;
let reply: () => unknown = () => ({});

before(async () => {
  rig = await startWireRig(() => reply());
});
after(() => rig.close());

function client(overrides: Partial<AwsClientOptions> = {}) {
  return createAwsClient({
    endpoint: rig.endpoint,
    region: RIG_REGION,
    credentials: RIG_KEY,
    clock: systemClock(),
    userAgent: "test",
    ...overrides,
  });
}

test("a call is typed, signed and answered, over a connection that is kept", async () => {
  reply = () => ({ clusterArns: ["a"], nextToken: undefined });
  const own = client();
  for (let round = 0; round < 3; round++) {
    const { clusterArns } = await own.ecs("ListClusters", { maxResults: 1 });
    assert.deepEqual(clusterArns, ["a"]);
  }
  own.close();
});

test("credentials may be a function, asked before each call", async () => {
  let asked = 0;
  const own = client({
    credentials: async () => {
      asked++;
      return RIG_KEY;
    },
  });
  await own.ecs("ListClusters", {});
  await own.elbv2("DescribeTargetGroups", {});
  assert.equal(asked, 2);
  own.close();
});

test("a refusal is an AwsError with code, status and members", async () => {
  const own = client({ credentials: { ...RIG_KEY, secretAccessKey: "no" } });
  await assert.rejects(own.ecs("ListClusters", {}), { code: "InvalidSignatureException", httpStatus: 400 });
  await assert.rejects(own.elbv2("DescribeTargetGroups", {}), { code: "SignatureDoesNotMatch", httpStatus: 403 });
  own.close();
});

test("an input of the wrong shape never leaves", async () => {
  const own = client();
  await assert.rejects(
    own.ecs("ListClusters", { maxResults: "1" as never }),
    /^TypeError: maxResults should be an integer/,
  );
  own.close();
});

test("nobody at the endpoint is an UnreachableError that names it", async () => {
  const own = client({ endpoint: "http://127.0.0.1:1" });
  await assert.rejects(own.ecs("ListClusters", {}), (error: Error) => {
    assert.ok(error instanceof UnreachableError && !(error instanceof AwsError));
    assert.match(error.message, /^cannot reach http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
    return true;
  });
});

test("no answer in time is an UnreachableError; an aborted call rejects with the signal's reason", async () => {
  reply = () => new Promise(() => {});
  const own = client();
  await assert.rejects(own.ecs("ListClusters", {}, { timeoutMs: 30 }), /no answer within 30 ms/);
  const reason = new Error("enough");
  const aborter = new AbortController();
  const pending = own.ecs("ListClusters", {}, { signal: aborter.signal });
  aborter.abort(reason);
  await assert.rejects(pending, reason);
  await assert.rejects(own.ecs("ListClusters", {}, { signal: AbortSignal.abort(reason) }), reason);
  own.close();
});

test("what is not an AWS answer is an UnreachableError, whatever its status", async () => {
  let status = 200;
  const server = http.createServer((_, response) => {
    response.writeHead(status);
    response.end("<html>proxy</html>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = client({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  for (status of [200, 502]) await assert.rejects(own.ecs("ListClusters", {}), UnreachableError);
  status = 502;
  await assert.rejects(own.elbv2("DescribeTargetGroups", {}), /HTTP 502/);
  own.close();
  server.closeAllConnections();
  server.close();
});

test("an answer cut off in the middle is an UnreachableError", async () => {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write('{"clusterArns":', () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const own = client({ endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  await assert.rejects(own.ecs("ListClusters", {}), UnreachableError);
  own.close();
  server.close();
});
