import assert from "node:assert/strict";
import { createHmac, createPrivateKey, createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import { externalBinding, keyAuthorization, signedRequest, txtRecord } from "./jose.ts";

/** The key of RFC 7515, A.3. */
const key = createPrivateKey({
  format: "jwk",
  key: {
    kty: "EC",
    crv: "P-256",
    x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    d: "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
  },
});
const decoded = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString("utf8"));

test("a request is signed over its header and payload; it carries the key, or the account's URL", () => {
  const header = { url: "https://acme.test/order", nonce: "n" };
  for (const [kid, payload] of [
    [undefined, { a: 1 }],
    ["https://acme.test/acct/1", undefined],
  ] as const) {
    const request = JSON.parse(signedRequest({ ...header, kid }, payload, key));
    const protectedHeader = decoded(request.protected);
    assert.deepEqual([protectedHeader.alg, protectedHeader.url, protectedHeader.nonce], ["ES256", header.url, "n"]);
    assert.deepEqual([protectedHeader.kid, protectedHeader.jwk?.crv], [kid, kid === undefined ? "P-256" : undefined]);
    assert.equal(protectedHeader.jwk?.d, undefined, "the private part stays here");
    if (payload === undefined) assert.equal(request.payload, "");
    else assert.deepEqual(decoded(request.payload), payload);
    const signed = Buffer.from(`${request.protected}.${request.payload}`);
    const by = { key: createPublicKey(key), dsaEncoding: "ieee-p1363" } as const;
    assert.ok(verify("sha256", signed, by, Buffer.from(request.signature, "base64url")));
  }
});

test("a challenge's answer is the token with the key's thumbprint, and its TXT record the digest of that", () => {
  // RFC 7638's thumbprint of this key, worked out by other means.
  const answer = keyAuthorization("token", key);
  assert.equal(answer, "token.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
  assert.deepEqual(txtRecord({ name: "a.test", answer }), {
    name: "_acme-challenge.a.test",
    value: "mE-xCuv5WUbIG_nQN71SG1nXSvoBJZgwYqxedrbeU9c",
  });
});

test("an external account binding is signed with the key that the authority gave out", () => {
  const hmacKey = Buffer.from("secret of the authority's").toString("base64url");
  const binding = externalBinding({ keyId: "k1", hmacKey }, "https://acme.test/new-account", key) as Record<
    string,
    string
  >;
  assert.deepEqual(decoded(binding.protected ?? ""), { alg: "HS256", kid: "k1", url: "https://acme.test/new-account" });
  assert.equal(decoded(binding.payload ?? "").d, undefined);
  const mac = createHmac("sha256", "secret of the authority's").update(`${binding.protected}.${binding.payload}`);
  assert.equal(binding.signature, mac.digest("base64url"));
});
