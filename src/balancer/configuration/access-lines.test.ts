import assert from "node:assert/strict";
import { test } from "node:test";
import { accessLines, parseAccessLine } from "./access-lines.ts";
import { answerOf } from "./traffic-lines.ts";

// As HAProxy 2.6 writes them.
const ANSWERED =
  '<134>access ["ls.web","tg.g","t_3a80:127.0.0.1:80:t:0",3,"1795688835789",1,0,2,9,200,103,76,"127.0.0.1",40634,"10.0.0.1","80","r1","GET","HTTP/1.1","\\/a?x=1","a.test:81","a \\"quo\\\\ted\\" \\u00fc","-","-","TLSv1.3","TLS_AES_128_GCM_SHA256","a.test"]';
const REDIRECTED =
  '<134>access ["ls.web","ls.web","<NOSRV>",-1,"1795688835806",0,-1,-1,0,301,87,74,"127.0.0.1",40648,"-","-","r2","GET","HTTP/1.1","\\/","-","-","Root=1","\\/x","-","-","-"]';
const BAD =
  '<134>access ["ls.web","ls.web","<NOSRV>",-1,"-",-1,-1,-1,0,400,0,0,"127.0.0.1",40674,"-","-","-","<BADREQ>","<BADREQ>","-","-","-","-","-","-","-","-"]';

test("a line tells all of a request, and of the answer's time", () => {
  const line = parseAccessLine(ANSWERED);
  assert.deepEqual(line?.record, {
    listenerId: "web",
    targetGroupId: "g",
    targetId: "t:80",
    targetAddress: "10.0.0.1:80",
    ruleKey: "r1",
    at: 1_795_688_835_789,
    receiveMs: 1,
    queueMs: 0,
    connectMs: 2,
    targetMs: 3,
    totalMs: 9,
    status: 200,
    bytesIn: 103,
    bytesOut: 76,
    client: "127.0.0.1:40634",
    method: "GET",
    version: "HTTP/1.1",
    uri: "/a?x=1",
    host: "a.test:81",
    userAgent: 'a "quo\\ted" ü',
    traceId: "",
    location: "",
    tlsVersion: "TLSv1.3",
    tlsCipher: "TLS_AES_128_GCM_SHA256",
    serverName: "a.test",
  });
  const answer = { frontend: "ls.web", backend: "tg.g", server: "t_3a80:127.0.0.1:80:t:0", ms: 3, weight: 1 };
  assert.deepEqual(line && answerOf(line), answer);
});

test("however long the words of a request are, those of its record are not", () => {
  const { method, userAgent } =
    parseAccessLine(ANSWERED.replace("GET", "M".repeat(9000)).replace("quo", "q".repeat(999)))?.record ?? {};
  assert.deepEqual([method?.length, userAgent?.length], [64, 512]);
  assert.equal(parseAccessLine(ANSWERED.replace(",103,", ',"x",'))?.record.bytesIn, 0);
});

test("without a target there is no answer of one", () => {
  const line = parseAccessLine(REDIRECTED);
  const { targetId, targetGroupId, targetAddress, location, traceId, host } = line?.record ?? {};
  assert.deepEqual([targetId, targetGroupId, targetAddress], [undefined, undefined, undefined]);
  assert.deepEqual([location, traceId, host], ["/x", "Root=1", ""]);
  assert.equal(line && answerOf(line), undefined);
});

test("of what could not be read there is what there is", () => {
  const { at, method, ruleKey, status } = parseAccessLine(BAD)?.record ?? {};
  assert.deepEqual([at, method, ruleKey, status], [undefined, "", undefined, 400]);
});

for (const [what, line] of [
  ["one that is cut off", ANSWERED.slice(0, -20)],
  ["one of another form", '<134>access ["ls.web"]'],
  ["one of no listener", ANSWERED.replace("ls.web", "x")],
  [
    "one that was handed over, which another line tells of",
    ANSWERED.replace("tg.g", "handover.1").replace(/t_3a80[^"]*/, "current"),
  ],
  ["another", "<134>answer ls.a tg.b t 12"],
] as const)
  test(`no request: ${what}`, () => assert.equal(parseAccessLine(line), undefined));

test("a listener notes what its line needs, and the line can stand in a configuration", () => {
  const [format = "", ...notes] = accessLines("ls.web");
  assert.match(format, /^ {2}log-format "access \[\\"ls\.web\\",\\"%b\\",/);
  for (const name of ["at", "uri", "host", "agent", "trace", "to"])
    assert.ok(notes.some((line) => line.includes(`set-var(txn.${name})`)) && format.includes(`txn.${name}`), name);
});
