import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { createVerifier, type SignatureError, type SignedRequest, signRequest, toAwsError } from "./sigv4.ts";

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);
const KEY = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const TEMPORARY = { accessKeyId: "ASIATEMP", secretAccessKey: "temporary", sessionToken: "the-session-token/+=" };
const REGION = "us-east-1";

function verifierAt(now: number, region = REGION) {
  const clock: Clock = { ...systemClock(), now: () => now };
  return createVerifier({
    region,
    clock,
    authenticate: (id, token) => {
      if (id === KEY.accessKeyId && token === undefined)
        return { secretAccessKey: KEY.secretAccessKey, principal: "root" };
      if (id === TEMPORARY.accessKeyId && token === TEMPORARY.sessionToken)
        return { secretAccessKey: TEMPORARY.secretAccessKey, principal: "role" };
      return undefined;
    },
  });
}

interface Attempt {
  readonly request: SignedRequest;
  readonly body: Uint8Array;
}

function verify({ request, body }: Attempt, now = NOW, service = "ecs"): string {
  return verifierAt(now).open(request, service).verify(body);
}

/** The oracle's hash, in the form that its constructor wants. */
class Sha256 {
  readonly hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Uint8Array);
  }
  update(data: Uint8Array): void {
    this.hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }
  reset(): void {}
}

function oracle(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  return new SignatureV4({ service: "ecs", region: REGION, credentials, sha256: Sha256, applyChecksum: false });
}

const encode = (text: string) =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
const queryText = (query: Record<string, string | string[] | null | undefined>) =>
  Object.entries(query)
    .flatMap(([name, value]) => [value ?? []].flat().map((one) => `${encode(name)}=${encode(one)}`))
    .join("&");

function signed(options: Partial<Parameters<typeof signRequest>[0]> = {}): Attempt {
  const url = options.url ?? new URL("http://berth.test:7070/");
  const body = Buffer.from(options.body ?? "{}");
  const headers = signRequest({
    method: "POST",
    headers: { "X-Amz-Target": "T.ListTasks", "content-type": "application/x-amz-json-1.1" },
    credentials: KEY,
    region: REGION,
    service: "ecs",
    now: NOW,
    ...options,
    url,
    body,
  });
  return { request: { method: options.method ?? "POST", url: url.pathname + url.search, headers }, body };
}

async function presigned(now = NOW, expiresIn = 60, credentials: Parameters<typeof oracle>[0] = KEY): Promise<Attempt> {
  const request = {
    method: "GET",
    protocol: "ws:",
    hostname: "berth.test",
    path: "/ws",
    query: { containerInstanceArn: "arn:aws:ecs:us-east-1:1:container-instance/d/1", "a b": "~*'" },
    headers: { host: "berth.test" },
  };
  const out = await oracle(credentials).presign(request, { expiresIn, signingDate: new Date(now) });
  const url = `${out.path}?${queryText(out.query ?? {})}`;
  return { request: { method: "GET", url, headers: { host: "berth.test" } }, body: Buffer.alloc(0) };
}

test("our signature is the one that the SDK's signer makes, whatever the path, query and body", async () => {
  const text = fc.string({ unit: "grapheme", maxLength: 6 });
  const query = fc.dictionary(
    text.filter((name) => name !== ""),
    text,
    { maxKeys: 4 },
  );
  const path = fc.array(fc.constantFrom("a", "b c", "é", "%", "x+y", "~-_.", "..", ""), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(path, query, fc.string(), async (segments, parameters, body) => {
      const url = new URL(`http://berth.test/${segments.map(encode).join("/")}?${queryText(parameters)}`);
      const { request } = signed({ url, body });
      const { authorization, ...headers } = request.headers as Record<string, string>;
      const theirs = await oracle(KEY).sign(
        {
          method: "POST",
          protocol: "http:",
          hostname: "berth.test",
          path: url.pathname,
          query: parameters,
          headers,
          body,
        },
        { signingDate: new Date(NOW) },
      );
      assert.equal(authorization, theirs.headers.authorization);
      assert.equal(verify({ request, body: Buffer.from(body) }), "root");
    }),
    { numRuns: 200 },
  );
});

test("a signature in headers, with a session token, and a presigned URL are each told whose they are", async () => {
  assert.equal(verify(signed()), "root");
  assert.equal(verify(signed({ credentials: TEMPORARY })), "role");
  assert.equal(verify(await presigned()), "root");
  assert.equal(verify(await presigned(NOW, 60, TEMPORARY)), "role");
});

test("a websocket upgrade signed in headers is accepted, its plus signs read as spaces as the ECS agent sends them", () => {
  const spaced = signed({ method: "GET", url: new URL("ws://berth.test/ws?seqNum=1&agentVersion=a%20b"), body: "" });
  assert.equal(verify(spaced), "root");
  const { request, body } = spaced;
  assert.equal(verify({ request: { ...request, url: "/ws?seqNum=1&agentVersion=a+b" }, body }), "root");
  assert.throws(() => verify({ request: { ...request, url: "/ws?seqNum=1&agentVersion=a%2Bb" }, body }));
});

test("an unsigned payload is accepted only if the header that says so is signed", () => {
  const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const { request } = signed({ headers });
  // Our signer always signs the body's hash, so the oracle signs this one.
  return oracle(KEY)
    .sign(
      {
        method: "POST",
        protocol: "http:",
        hostname: "berth.test",
        path: "/",
        query: {},
        headers: { ...headers, host: "berth.test" },
      },
      { signingDate: new Date(NOW) },
    )
    .then((out) => {
      assert.equal(
        verify({ request: { method: "POST", url: "/", headers: out.headers }, body: Buffer.from("any") }),
        "root",
      );
      const { body } = signed();
      assert.throws(
        () => verify({ request: { ...signed().request, headers: { ...signed().request.headers, ...headers } }, body }),
        /must be a 'SignedHeader'/,
      );
      assert.throws(() => verify({ request, body: Buffer.from("{}") }), /does not match/);
    });
});

const refusals: readonly {
  name: string;
  attempt: () => Attempt | Promise<Attempt>;
  now?: number;
  failure: string;
  message: RegExp;
}[] = [
  {
    name: "no signature",
    attempt: () => ({ request: { method: "POST", url: "/", headers: {} }, body: Buffer.alloc(0) }),
    failure: "missing",
    message: /^Missing Authentication Token$/,
  },
  {
    name: "another scheme",
    attempt: () => withHeader("authorization", "Bearer abc"),
    failure: "incomplete",
    message: /must begin with/,
  },
  {
    name: "a header without a signature",
    attempt: () =>
      withHeader(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=a/20261124/us-east-1/ecs/aws4_request, SignedHeaders=host",
      ),
    failure: "incomplete",
    message: /requires 'Signature' parameter/,
  },
  {
    name: "a short credential",
    attempt: () => edited(/\/aws4_request/, ""),
    failure: "incomplete",
    message: /exactly 5 slash-delimited elements/,
  },
  {
    name: "no date",
    attempt: () => withHeader("x-amz-date", undefined),
    failure: "incomplete",
    message: /existence of a 'X-Amz-Date'/,
  },
  {
    name: "a date that is none",
    attempt: () => withHeader("x-amz-date", "20261324T000000Z"),
    failure: "incomplete",
    message: /ISO-8601/,
  },
  {
    name: "an unknown key",
    attempt: () => signed({ credentials: { ...KEY, accessKeyId: "NOPE" } }),
    failure: "unknown-key",
    message: /security token included in the request is invalid/,
  },
  {
    name: "a wrong session token",
    attempt: () => signed({ credentials: { ...TEMPORARY, sessionToken: "x" } }),
    failure: "unknown-key",
    message: /is invalid/,
  },
  {
    name: "a wrong secret",
    attempt: () => signed({ credentials: { ...KEY, secretAccessKey: "no" } }),
    failure: "mismatch",
    message: /does not match the signature you provided/,
  },
  {
    name: "a changed body",
    attempt: () => ({ ...signed(), body: Buffer.from("{ }") }),
    failure: "mismatch",
    message: /does not match/,
  },
  {
    name: "a changed operation",
    attempt: () => withHeader("x-amz-target", "T.DeleteCluster"),
    failure: "mismatch",
    message: /does not match/,
  },
  {
    name: "a changed path",
    attempt: () => ({ ...signed(), request: { ...signed().request, url: "/x" } }),
    failure: "mismatch",
    message: /does not match/,
  },
  {
    name: "an added parameter",
    attempt: async () => {
      const { request, body } = await presigned();
      return { request: { ...request, url: `${request.url}&x=1` }, body };
    },
    failure: "mismatch",
    message: /does not match/,
  },
  {
    name: "broken percent-encoding",
    attempt: () => ({ ...signed(), request: { ...signed().request, url: "/?a=%zz" } }),
    failure: "mismatch",
    message: /does not match/,
  },
  {
    name: "an operation added after signing",
    attempt: () => ({
      ...signed({ headers: {} }),
      request: {
        ...signed().request,
        headers: { ...signed({ headers: {} }).request.headers, "x-amz-target": "T.DeleteCluster" },
      },
    }),
    failure: "mismatch",
    message: /must be a 'SignedHeader'/,
  },
  {
    name: "another region",
    attempt: () => signed({ region: "eu-west-1" }),
    failure: "mismatch",
    message: /scoped to a valid region, not 'eu-west-1'/,
  },
  {
    name: "another service",
    attempt: () => signed({ service: "s3" }),
    failure: "mismatch",
    message: /scoped to correct service: 'ecs'/,
  },
  {
    name: "a clock ten minutes slow",
    attempt: () => signed(),
    now: NOW + 600_000,
    failure: "mismatch",
    message: /^Signature expired: 20261124T120000Z is now earlier than 20261124T120500Z \(20261124T121000Z - 5 min.\)$/,
  },
  {
    name: "a clock ten minutes fast",
    attempt: () => signed(),
    now: NOW - 600_000,
    failure: "mismatch",
    message: /^Signature not yet current/,
  },
  {
    name: "a scope of another day",
    attempt: () => edited(/20261124\//, "20261123/"),
    failure: "mismatch",
    message: /Date in Credential scope/,
  },
  {
    name: "a presigned URL that has run out",
    attempt: () => presigned(NOW - 61_000),
    failure: "expired-url",
    message: /^Signature expired/,
  },
  {
    name: "a presigned URL for longer than a week",
    attempt: async () => {
      const { request, body } = await presigned();
      return { request: { ...request, url: request.url.replace("Expires=60", "Expires=604801") }, body };
    },
    failure: "incomplete",
    message: /X-Amz-Expires/,
  },
];

function withHeader(name: string, value: string | undefined): Attempt {
  const { request, body } = signed();
  return { request: { ...request, headers: { ...request.headers, [name]: value } }, body };
}

function edited(pattern: RegExp, text: string): Attempt {
  const { request } = signed();
  return withHeader("authorization", request.headers.authorization?.replace(pattern, text));
}

for (const { name, attempt, now, failure, message } of refusals)
  test(`${name} is refused as "${failure}"`, async () => {
    const request = await attempt();
    assert.throws(
      () => verify(request, now),
      (error: SignatureError) => {
        assert.match(error.message, message);
        assert.equal(error.failure, failure);
        return true;
      },
    );
  });

test("a clock four minutes off is accepted, either way", () => {
  for (const offset of [-240_000, 240_000]) assert.equal(verify(signed(), NOW + offset), "root");
});

test("each failure has the name and status that JSON and Query services give it", () => {
  const names = (protocol: "json" | "query") =>
    (["missing", "incomplete", "unknown-key", "mismatch", "expired-url"] as const).map((failure) => {
      const { code, httpStatus } = toAwsError({ failure, message: "" } as SignatureError, protocol);
      return `${code} ${httpStatus}`;
    });
  assert.deepEqual(names("json"), [
    "MissingAuthenticationTokenException 400",
    "IncompleteSignatureException 400",
    "UnrecognizedClientException 400",
    "InvalidSignatureException 400",
    "InvalidSignatureException 400",
  ]);
  assert.deepEqual(names("query"), [
    "MissingAuthenticationToken 403",
    "IncompleteSignature 400",
    "InvalidClientTokenId 403",
    "SignatureDoesNotMatch 403",
    "RequestExpired 400",
  ]);
});

test("a key whose secret has changed is judged by the new secret, though its derived key was kept", () => {
  let secretAccessKey = KEY.secretAccessKey;
  const clock: Clock = { ...systemClock(), now: () => NOW };
  const verifier = createVerifier({
    region: REGION,
    clock,
    authenticate: () => ({ secretAccessKey, principal: "root" }),
  });
  const { request, body } = signed();
  assert.equal(verifier.open(request, "ecs").verify(body), "root");
  secretAccessKey = "rotated";
  assert.throws(() => verifier.open(request, "ecs").verify(body), /does not match/);
});
