import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeaderSettings, ListenerState } from "../state.ts";
import { DEFAULT_HEADERS, headerLines, headerProblems } from "./headers.ts";

const lines = (headers: Partial<HeaderSettings>, tls?: ListenerState["tls"]) =>
  headerLines({
    id: "web",
    protocol: "HTTP",
    address: "127.0.0.1",
    port: 8080,
    idleTimeoutSeconds: 60,
    rules: [],
    defaultAction: { type: "fixed-response", statusCode: 200 },
    headers: { ...DEFAULT_HEADERS, ...headers },
    tls,
  });

const STANDARD = [
  "  http-request set-header X-Forwarded-Proto http",
  "  http-request set-header X-Forwarded-Port 8080",
];
const tls: ListenerState["tls"] = {
  certificateIds: ["a"],
  policy: { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: "", cipherSuites: "" },
  alpn: [],
};

test("each setting becomes its lines, and ELB's defaults become the usual ones", () => {
  assert.deepEqual(lines({}), ["  option forwardfor", ...STANDARD]);
  assert.deepEqual(lines({ forwardedFor: "preserve" }), STANDARD);
  assert.deepEqual(lines({ forwardedFor: "preserve", forwardedPort: true }), STANDARD);
  assert.deepEqual(lines({ forwardedFor: "remove" }), ["  http-request del-header X-Forwarded-For", ...STANDARD]);
  assert.deepEqual(lines({ forwardedPort: true }), [
    `  http-request add-header X-Forwarded-For "%[src]:%[src_port]"`,
    ...STANDARD,
  ]);
  assert.equal(lines({ dropInvalid: true })[0], `  http-request del-header "[^-A-Za-z0-9]" -m reg`);
  assert.deepEqual(lines({ tlsFacts: true }), ["  option forwardfor", ...STANDARD]);
  assert.deepEqual(lines({ tlsFacts: true }, tls).slice(-2), [
    "  http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]",
    "  http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]",
  ]);
  const answers = { "Content-Security-Policy": `img-src "100%" $x`, "X-Frame-Options": "" };
  assert.deepEqual(lines({ answers, hideServer: true }).slice(3), [
    `  http-response set-header Content-Security-Policy "img-src \\"100%%\\" \\$x"`,
    "  http-response del-header Server",
  ]);
});

test("a value that would be more than a header is refused", () => {
  const problems = (value: string) => [...headerProblems({ ...DEFAULT_HEADERS, answers: { "X-A": value } })];
  assert.deepEqual(problems("a; b"), []);
  assert.equal(problems("a\nb").length, 1);
});
