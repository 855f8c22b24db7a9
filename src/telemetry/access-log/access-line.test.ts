import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessRecord } from "../../balancer/index.ts";
import { type AccessFacts, accessLine } from "./access-line.ts";

const AT = Date.UTC(2026, 10, 26, 10, 0, 0, 250);
const RECORD: AccessRecord = {
  listenerId: "ls",
  targetGroupId: "arn:tg",
  targetId: "10.0.0.1:80@1",
  targetAddress: "10.0.0.1:80",
  at: AT,
  receiveMs: 50,
  queueMs: 0,
  connectMs: 2,
  targetMs: 40,
  totalMs: 100,
  status: 200,
  bytesIn: 34,
  bytesOut: 366,
  client: "192.168.131.39:2817",
  method: "GET",
  uri: "/a?b=c",
  version: "HTTP/1.1",
  host: "www.example.com:8080",
  userAgent: "curl/7.46.0",
  traceId: "",
  location: "",
  tlsVersion: "",
  tlsCipher: "",
  serverName: "",
};
const FACTS: AccessFacts = {
  balancer: "app/web/0123456789abcdef",
  port: 80,
  secure: false,
  rule: { priority: 0, action: "forward" },
  now: AT + 1000,
};

test("a request that a target answered", () => {
  assert.equal(
    accessLine(RECORD, FACTS),
    'http 2026-11-26T10:00:00.300000Z app/web/0123456789abcdef 192.168.131.39:2817 10.0.0.1:80 0.002 0.040 0.000 200 200 34 366 "GET http://www.example.com:80/a?b=c HTTP/1.1" "curl/7.46.0" - - arn:tg "-" "-" "-" 0 2026-11-26T10:00:00.200000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" -',
  );
});

/** The fields of a line. */
const fields = (line: string) => line.match(/"[^"]*"|\S+/g) ?? [];

test("a redirect over TLS", () => {
  const none = { targetGroupId: undefined, targetId: undefined, targetAddress: undefined, targetMs: -1, connectMs: -1 };
  const tls = { tlsVersion: "TLSv1.3", tlsCipher: "TLS_AES_128_GCM_SHA256", serverName: "a.test", version: "HTTP/2.0" };
  const record = { ...RECORD, ...none, ...tls, status: 301, location: "https://b.test/", traceId: "Root=1-2" };
  const line = accessLine(record, { ...FACTS, secure: true, port: 443, rule: { priority: 7, action: "redirect" } });
  const told = fields(line);
  assert.equal(told.length, 30);
  assert.deepEqual([told[0], told[4], ...told.slice(5, 10)], ["h2", "-", "-1", "-1", "-1", "301", "-"]);
  assert.equal(told[12], '"GET https://www.example.com:443/a?b=c HTTP/2.0"');
  assert.deepEqual(told.slice(14, 21), [
    "TLS_AES_128_GCM_SHA256",
    "TLSv1.3",
    "-",
    '"Root=1-2"',
    '"a.test"',
    '"-"',
    "7",
  ]);
  assert.deepEqual(told.slice(22, 27), ['"redirect"', '"https://b.test/"', '"-"', '"-"', '"-"']);
});

test("what could not be read, and was not answered", () => {
  const { at: _, ...unread } = { ...RECORD, method: "", uri: "", version: "", host: "", userAgent: "", status: -1 };
  const told = fields(accessLine({ ...unread, targetMs: -1 }, { ...FACTS, rule: undefined }));
  assert.equal(told[1], "2026-11-26T10:00:01.250000Z");
  assert.deepEqual([told[8], told[9], told[12], told[13]], ["-", "-", '"- http://-:80- -"', '"-"']);
  assert.deepEqual([told[20], told[22]], ["-", '"-"']);
});

for (const [what, more, secure, type] of [
  ["HTTP", {}, false, "http"],
  ["HTTPS", {}, true, "https"],
  ["a websocket", { status: 101 }, false, "ws"],
  ["a websocket over TLS", { status: 101 }, true, "wss"],
] as const)
  test(`the type of ${what}`, () =>
    assert.equal(fields(accessLine({ ...RECORD, ...more }, { ...FACTS, secure }))[0], type));

test("nothing that a client sends can end a field or a line", () => {
  const line = accessLine({ ...RECORD, userAgent: 'a" "b\\\n\u007fü', uri: '/"\r\n' }, FACTS);
  const told = fields(line);
  assert.equal(told.length, 30);
  assert.equal(told[13], '"a\\x22 \\x22b\\x5C\\x0A\\x7F\\xC3\\xBC"');
  assert.ok(!/[\r\n]/.test(line));
});
