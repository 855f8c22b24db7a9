import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { AwsError } from "./errors.ts";
import { type SignOptions, signRequest } from "./sigv4.ts";
import { RIG_KEY, RIG_REGION, type RigAnswer, startWireRig, type WireRig } from "./wire-rig.ts";
import type { WireCall } from "./wire-service.ts";

let rig: WireRig;
let lax: WireRig;
let seen: { service: string; operation: string; input: unknown; call: WireCall<string> } | undefined;
let reply: (operation: string) => unknown = () => ({});

before(async () => {
  const answer: RigAnswer = (service, operation, input, call) => {
    seen = { service, operation, input, call };
    return reply(operation);
  };
  rig = await startWireRig(answer, {
    limits: { maxBodyBytes: 256 * 1024, maxDecompressedBytes: 512 * 1024, bodyTimeoutMs: 300 },
  });
  lax = await startWireRig(answer, { strictErrors: false });
});
after(async () => {
  await rig.close();
  await lax.close();
});

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

function send(
  endpoint: string,
  options: { method?: string; path?: string; headers: Record<string, string>; body: string | Uint8Array },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = "POST", headers, body } = options;
    const request = http.request(
      new URL(options.path ?? "/", endpoint),
      { method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

type Overrides = Partial<SignOptions> & { endpoint?: string };

function ecs(operation: string, body: string | Uint8Array, overrides: Overrides = {}): Promise<Reply> {
  const { headers, ...rest } = overrides;
  return signedSend("ecs", body, {
    ...rest,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": `AmazonEC2ContainerServiceV20141113.${operation}`,
      ...headers,
    },
  });
}

function elbv2(body: string | Uint8Array, overrides: Overrides = {}): Promise<Reply> {
  const headers = { "content-type": "application/x-www-form-urlencoded", ...overrides.headers };
  return signedSend("elasticloadbalancing", body, { ...overrides, headers });
}

function signedSend(service: string, body: string | Uint8Array, overrides: Overrides): Promise<Reply> {
  const { endpoint = rig.endpoint, ...rest } = overrides;
  const headers = signRequest({
    method: "POST",
    url: new URL(endpoint),
    body,
    credentials: RIG_KEY,
    region: RIG_REGION,
    service,
    now: Date.now(),
    ...rest,
  });
  return send(endpoint, { headers, body });
}

function jsonError({ status, headers, text }: Reply) {
  const { __type: code, message } = JSON.parse(text);
  assert.equal(headers["x-amzn-errortype"], code);
  assert.equal(headers["content-type"], "application/x-amz-json-1.1");
  assert.match(String(headers["x-amzn-requestid"]), /^[0-9a-f-]{36}$/);
  return { status, code, message };
}

function xmlError({ status, headers, text }: Reply) {
  const part = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1];
  assert.equal(headers["content-type"], "text/xml");
  assert.equal(part("RequestId"), headers["x-amzn-requestid"]);
  return { status, type: part("Type"), code: part("Code"), message: part("Message") };
}

test("a call reaches its service with its input and with what is known of the caller", async () => {
  let sourceIp: string | undefined;
  reply = () => {
    sourceIp = seen?.call.sourceIp; // known as long as the caller is there
    return { clusterArns: ["a"] };
  };
  const answer = await ecs("ListClusters", '{"maxResults":5}', { headers: { "user-agent": "tester/1" } });
  assert.equal(answer.text, '{"clusterArns":["a"]}');
  assert.equal(seen?.service, "ecs");
  assert.deepEqual(seen?.input, { maxResults: 5 });
  const { principal, requestId, host, userAgent } = seen!.call;
  assert.deepEqual(
    { principal, requestId, sourceIp, host, userAgent },
    {
      principal: "administrator",
      requestId: answer.headers["x-amzn-requestid"],
      sourceIp: "127.0.0.1",
      host: new URL(rig.endpoint).host,
      userAgent: "tester/1",
    },
  );
});

test("a body may be gzipped, and is signed as sent; a bomb, a lie and another encoding are refused", async () => {
  const headers = { "content-encoding": "gzip" };
  await ecs("ListClusters", gzipSync('{"maxResults":7}'), { headers });
  assert.deepEqual(seen?.input, { maxResults: 7 });
  const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, 0x20));
  assert.equal(jsonError(await ecs("ListClusters", bomb, { headers })).code, "RequestEntityTooLargeException");
  assert.equal(jsonError(await ecs("ListClusters", "{}", { headers })).code, "SerializationException");
  const brotli = jsonError(await ecs("ListClusters", "{}", { headers: { "content-encoding": "br" } }));
  assert.deepEqual([brotli.status, brotli.code], [415, "UnsupportedMediaTypeException"]);
});

test("a body of ten megabytes is refused in the service's own form", async () => {
  const body = `{"nextToken":"${"a".repeat(3_000_000)}"}`;
  const json = jsonError(await ecs("ListClusters", body));
  assert.deepEqual([json.status, json.code], [413, "RequestEntityTooLargeException"]);
  const xml = xmlError(await elbv2(`Action=DescribeTags&Version=2015-12-01&x=${"a".repeat(3_000_000)}`));
  assert.deepEqual([xml.status, xml.code, xml.type], [413, "RequestEntityTooLarge", "Sender"]);
  const ten = jsonError(await ecs("ListClusters", "a".repeat(10_000_000), { endpoint: lax.endpoint }));
  assert.deepEqual([ten.status, ten.code], [413, "RequestEntityTooLargeException"]);
});

test("a hundred thousand levels or items are refused", async () => {
  const deep = jsonError(await ecs("ListClusters", "[".repeat(100_000)));
  assert.deepEqual([deep.status, deep.code], [400, "SerializationException"]);
  const many = JSON.stringify({ tasks: Array.from({ length: 100_000 }, () => "a") });
  const long = jsonError(await ecs("DescribeTasks", many, { endpoint: lax.endpoint }));
  assert.deepEqual([long.status, long.code], [400, "InvalidParameterException"]);
});

test("a caller that sends its body too slowly is told so and cut off", async () => {
  const headers = signRequest({
    method: "POST",
    url: new URL(rig.endpoint),
    headers: { "x-amz-target": "AmazonEC2ContainerServiceV20141113.ListClusters" },
    body: "{}",
    credentials: RIG_KEY,
    region: RIG_REGION,
    service: "ecs",
    now: Date.now(),
  });
  const socket = net.connect(Number(new URL(rig.endpoint).port), "127.0.0.1");
  const lines = Object.entries({ ...headers, "content-length": "2" }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`POST / HTTP/1.1\r\n${lines.join("")}\r\n{`);
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += chunk;
  assert.match(text, /^HTTP\/1.1 408 /);
  assert.match(text, /RequestTimeoutException/);
});

test("a caller that hangs up in the middle of its body leaves no trace, and one that hangs up later aborts the call", async () => {
  const socket = net.connect(Number(new URL(rig.endpoint).port), "127.0.0.1");
  socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{");
  await new Promise((resolve) => socket.once("data", resolve));
  socket.destroy();
  const aborted = new Promise<void>((resolve) => {
    reply = () =>
      new Promise(() => {
        seen!.call.signal.addEventListener("abort", () => resolve());
        request.destroy();
      });
  });
  const headers = signRequest({
    method: "POST",
    url: new URL(rig.endpoint),
    headers: { "x-amz-target": "AmazonEC2ContainerServiceV20141113.ListClusters" },
    credentials: RIG_KEY,
    region: RIG_REGION,
    service: "ecs",
    now: Date.now(),
  });
  const request = http.request(rig.endpoint, { method: "POST", headers, agent: false }).on("error", () => {});
  request.end();
  await aborted;
  assert.deepEqual(rig.errors, []);
});

test("operations that there are not are refused by the name that each protocol has for it", async () => {
  const unknown = jsonError(await ecs("Frobnicate", "{}"));
  assert.deepEqual([unknown.status, unknown.code], [400, "UnknownOperationException"]);
  const other = jsonError(await ecs("x", "{}", { headers: { "x-amz-target": "DynamoDB_20120810.ListTables" } }));
  assert.equal(other.code, "UnknownOperationException");
  const version = "Version=2015-12-01";
  for (const [form, code, message] of [
    [`Action=Frobnicate&${version}`, "InvalidAction", "Could not find operation Frobnicate for version 2015-12-01"],
    [
      "Action=CreateLoadBalancer&Version=2012-06-01",
      "InvalidAction",
      "Could not find operation CreateLoadBalancer for version 2012-06-01",
    ],
    [version, "MissingAction", "The request is missing an action or a required parameter."],
    ["", "MissingAction", "The request is missing an action or a required parameter."],
  ] as const)
    assert.deepEqual(xmlError(await elbv2(form)), { status: 400, type: "Sender", code, message });
});

test("who is not known is refused before the body is looked at, in either protocol", async () => {
  const headers = { "x-amz-target": "AmazonEC2ContainerServiceV20141113.ListClusters" };
  const json = jsonError(await send(rig.endpoint, { headers, body: "not json" }));
  assert.deepEqual([json.status, json.code], [400, "MissingAuthenticationTokenException"]);
  const xml = xmlError(await send(rig.endpoint, { headers: {}, body: "%" }));
  assert.deepEqual([xml.status, xml.code], [403, "MissingAuthenticationToken"]);
  const stranger = { credentials: { ...RIG_KEY, accessKeyId: "NOPE" } };
  assert.equal(jsonError(await ecs("ListClusters", "not json", stranger)).code, "UnrecognizedClientException");
  assert.equal(xmlError(await elbv2("%", stranger)).code, "InvalidClientTokenId");
  const wrong = { credentials: { ...RIG_KEY, secretAccessKey: "no" } };
  assert.equal(jsonError(await ecs("ListClusters", "not json", wrong)).code, "InvalidSignatureException");
  assert.equal(xmlError(await elbv2("%", wrong)).code, "SignatureDoesNotMatch");
  assert.match(xmlError(await elbv2("", { service: "sts" })).message ?? "", /correct service/);
});

test("errors go out with their members, and with the model's status and code", async () => {
  reply = () => {
    throw new AwsError("ConflictException", "used", { members: { resourceIds: ["t"], message: "not this" } });
  };
  const conflict = await ecs("RunTask", '{"taskDefinition":"t"}');
  assert.deepEqual(JSON.parse(conflict.text), { resourceIds: ["t"], __type: "ConflictException", message: "used" });
  reply = () => {
    throw new AwsError("TargetGroupNotFoundException", "none");
  };
  const missing = xmlError(await elbv2("Action=DescribeTargetGroups&Version=2015-12-01"));
  assert.deepEqual([missing.status, missing.code], [400, "TargetGroupNotFound"]);
});

test("whatever is thrown that is no AwsError, and an output of the wrong shape, is logged whole and answered as our failure", async () => {
  const bug = new Error("a bug");
  for (const make of [() => Promise.reject(bug), () => ({ clusterArns: "a" })]) {
    reply = make;
    const json = jsonError(await ecs("ListClusters", "{}"));
    assert.deepEqual(
      [json.status, json.code, json.message],
      [500, "ServerException", "Service Unavailable. Please try again later."],
    );
  }
  reply = () => Promise.reject(bug);
  const xml = xmlError(await elbv2("Action=DescribeTags&Version=2015-12-01&ResourceArns="));
  assert.deepEqual([xml.status, xml.type, xml.code], [500, "Receiver", "InternalFailure"]);
  const logged = rig.errors.splice(0);
  assert.deepEqual(
    logged.map(({ fields }) => (fields as { err: Error }).err.message),
    ["a bug", "clusterArns should be an array and is string", "a bug"],
  );
});

test("an error that the operation does not list is logged as a bug; strictly, it is answered as one", async () => {
  reply = () => {
    throw new AwsError("TargetNotFoundException", "x");
  };
  assert.equal(jsonError(await ecs("ListClusters", "{}")).code, "ServerException");
  assert.equal(jsonError(await ecs("ListClusters", "{}", { endpoint: lax.endpoint })).code, "TargetNotFoundException");
  for (const { errors } of [rig, lax])
    assert.deepEqual(
      errors.splice(0).map(({ message }) => message),
      ["an operation answered an error that its model does not list"],
    );
});

test("only POST / is an API call", async () => {
  for (const [method, path] of [
    ["GET", "/"],
    ["POST", "/x"],
  ] as const)
    assert.equal((await send(rig.endpoint, { method, path, headers: {}, body: "" })).status, 404);
});

test("no request, however broken, is answered 5xx or hangs", async () => {
  reply = () => ({});
  const header = fc.constantFrom(
    "content-type",
    "x-amz-target",
    "x-amz-date",
    "authorization",
    "content-encoding",
    "x-amz-security-token",
  );
  const text = fc.string({ unit: fc.constantFrom(..."AZaz09=/,;. -+%&{}[]:\"'") });
  const options = { numRuns: 150 };
  await fc.assert(
    fc.asyncProperty(fc.boolean(), header, text, text, fc.boolean(), async (json, name, value, body, signLast) => {
      const headers = { [name]: value };
      const signed = () =>
        json ? ecs("ListClusters", body, { headers }) : elbv2(`Action=DescribeTags&${body}`, { headers });
      const answer = await (signLast ? signed() : send(rig.endpoint, { headers, body }));
      assert.ok(answer.status >= 200 && answer.status < 500, `${answer.status} ${answer.text}`);
    }),
    options,
  );
  assert.deepEqual(rig.errors, []);
});
