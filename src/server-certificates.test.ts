import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeCertificate } from "./api/acm/testing.ts";
import { systemClock } from "./runtime/clock.ts";
import { readSettings } from "./runtime/settings.ts";
import { certificateIssuers } from "./server-certificates.ts";
import { SERVER_SETTINGS } from "./server-settings.ts";

const dir = mkdtempSync(join(tmpdir(), "berth-issuers-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const issuers = (flags: Record<string, string>) =>
  certificateIssuers(readSettings(SERVER_SETTINGS, { flags: { "data-dir": dir, ...flags }, env: {} }), systemClock());

const directory = { "acme-directory": "https://acme.test/directory" };
const file = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

test("without an ACME server and a hook program there is neither, and a third of the lifetime decides on renewal", () => {
  const { acme, dnsHook, httpPort, renewBeforeMs } = issuers({});
  assert.deepEqual([acme, dnsHook, httpPort, renewBeforeMs], [undefined, undefined, 80, undefined]);
});

test("an ACME server is known by its directory, and the rest as it is given", () => {
  const ca = file("ca.pem", makeCertificate(["acme.test"]).certificate);
  const hook = file("hook", "#!/bin/sh\n");
  chmodSync(hook, 0o700);
  const given = issuers({
    ...directory,
    "acme-ca": ca,
    "acme-email": "ops@a.example",
    "acme-eab-kid": "k",
    "acme-eab-key": "a2V5",
    "acme-http-port": "8080",
    "acme-renew-before": "0.5",
    "dns-hook": hook,
  });
  assert.deepEqual([given.acme?.server.directory, given.acme?.email], [directory["acme-directory"], "ops@a.example"]);
  assert.deepEqual([given.httpPort, given.renewBeforeMs, given.dnsHook !== undefined], [8080, 43_200_000, true]);
});

const REFUSED: readonly [string, Record<string, string>, RegExp][] = [
  ["a directory without TLS", { "acme-directory": "http://acme.test" }, /--acme-directory is 'http.*an https:\/\/ URL/],
  ["an address that is none", { ...directory, "acme-email": "ops" }, /--acme-email is 'ops'.*e-mail/],
  ["settings of no ACME server", { "acme-email": "a@b" }, /--acme-email is for an ACME server: give --acme-directory/],
  ["half a binding", { ...directory, "acme-eab-kid": "k" }, /--acme-eab-kid and --acme-eab-key go together/],
  [
    "a key that is no base64url",
    { ...directory, "acme-eab-kid": "k", "acme-eab-key": "a b" },
    /^Error: --acme-eab-key must be in base64url$/,
  ],
  [
    "roots that are not there",
    { ...directory, "acme-ca": join(dir, "none") },
    /--acme-ca .*none cannot be used: ENOENT/,
  ],
  ["roots that are none", { ...directory, "acme-ca": file("no.pem", "x") }, /it holds no certificate/],
  ["a program that is none", { "dns-hook": file("plain", "x") }, /--dns-hook .*plain cannot be run: EACCES/],
  ["a port that is none", { "acme-http-port": "0" }, /--acme-http-port is '0'.*from 1 to 65535/],
];

for (const [what, flags, message] of REFUSED)
  test(`${what}: the server does not start, and says which setting is wrong`, () => {
    assert.throws(() => issuers(flags), message);
  });

test("the local authority's root is written once, and anew only when it is another", () => {
  const { publishRoot } = issuers({});
  publishRoot("one");
  const { mtimeMs } = statSync(join(dir, "local-ca.pem"));
  publishRoot("one");
  assert.equal(statSync(join(dir, "local-ca.pem")).mtimeMs, mtimeMs);
  publishRoot("two");
  assert.equal(readFileSync(join(dir, "local-ca.pem"), "utf8"), "two\n");
});
