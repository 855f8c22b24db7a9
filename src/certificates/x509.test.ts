import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { REQUESTED_KEY_ALGORITHMS } from "../model/certificate.ts";
import { seededRandom } from "../runtime/random.ts";
import { certificateFacts } from "./certificate-facts.ts";
import { pem } from "./der.ts";
import { newPrivateKey } from "./keys.ts";
import { issueLocally, LOCAL_LIFETIME_MS, newAuthority } from "./local-authority.ts";
import { signingRequest } from "./x509.ts";

const dir = mkdtempSync(join(tmpdir(), "berth-x509-"));
after(() => rmSync(dir, { recursive: true, force: true }));

/** OpenSSL judges what we write: it was not made by the same hands. */
function openssl(args: readonly string[], ...texts: readonly string[]): string {
  const files = texts.map((text, index) => {
    const file = join(dir, `${index}.pem`);
    writeFileSync(file, text);
    return file;
  });
  const filled = args.map((arg) => arg.replace(/^\$(\d)$/, (_, index) => files[Number(index)] ?? ""));
  return execFileSync("openssl", filled, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

for (const algorithm of REQUESTED_KEY_ALGORITHMS)
  test(`OpenSSL reads and verifies what is written with a key of ${algorithm}: a signing request, a root, a server's certificate`, async () => {
    const names = ["app.localhost", "*.app.localhost", "nas"];
    const key = await newPrivateKey(algorithm);
    const request = openssl(
      ["req", "-in", "$0", "-noout", "-text", "-verify"],
      pem("CERTIFICATE REQUEST", signingRequest(names, key)),
    );
    assert.match(request, /Subject: CN ?= ?app\.localhost/);
    assert.match(request, /DNS:app\.localhost, DNS:\*\.app\.localhost, DNS:nas/);
    const random = seededRandom(7);
    const now = Date.UTC(2026, 10, 26, 12);
    const root = await newAuthority(now, random);
    const { certificate, key: own } = await issueLocally(root, { names, keyAlgorithm: algorithm }, now, random);
    const at = ["-attime", String(now / 1000 + 60), "-x509_strict", "-purpose", "sslserver"];
    assert.match(
      openssl(
        ["verify", ...at, "-CAfile", "$0", "-verify_hostname", "x.app.localhost", "$1"],
        root.certificate,
        certificate,
      ),
      /OK/,
    );
    assert.throws(() =>
      openssl(
        ["verify", ...at, "-CAfile", "$0", "-verify_hostname", "x.localhost", "$1"],
        root.certificate,
        certificate,
      ),
    );
    const [leaf, issuer] = [new X509Certificate(certificate), new X509Certificate(root.certificate)];
    assert.ok(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey) && leaf.checkPrivateKey(own));
    assert.ok(issuer.ca && !leaf.ca && issuer.checkPrivateKey(createPrivateKey(root.privateKey)));
    const facts = certificateFacts(leaf);
    assert.deepEqual(
      [facts.domainName, facts.subjectAlternativeNames, facts.keyAlgorithm, facts.notAfter],
      ["app.localhost", names, algorithm, now + LOCAL_LIFETIME_MS],
    );
    assert.deepEqual(
      facts.extendedKeyUsages.map(({ name }) => name),
      ["TLS_WEB_SERVER_AUTHENTICATION"],
    );
  });

test("names too long for a common name stand in the alternative names alone, and a root from 2040 ends after 2049", async () => {
  const long = `${"a".repeat(60)}.${"b".repeat(60)}.internal`;
  const key = await newPrivateKey("EC_prime256v1");
  const request = openssl(
    ["req", "-in", "$0", "-noout", "-text", "-verify"],
    pem("CERTIFICATE REQUEST", signingRequest([long], key)),
  );
  assert.match(request, /Subject:\s*\n/);
  assert.ok(request.includes(`DNS:${long}`));
  const random = seededRandom(8);
  const now = Date.UTC(2045, 0, 1);
  const root = await newAuthority(now, random);
  const { certificate } = await issueLocally(root, { names: [long], keyAlgorithm: "EC_prime256v1" }, now, random);
  assert.equal(new X509Certificate(root.certificate).validToDate.getTime(), root.notAfter);
  assert.match(
    openssl(
      ["verify", "-attime", String(now / 1000), "-x509_strict", "-CAfile", "$0", "$1"],
      root.certificate,
      certificate,
    ),
    /OK/,
  );
});
