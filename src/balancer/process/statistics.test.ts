import assert from "node:assert/strict";
import { test } from "node:test";
import { splitAnswers } from "./runtime.ts";
import { csvFields, parseInfo, parseProcesses, parseServers, parseSessions } from "./statistics.ts";

test("fields may be quoted, with commas and quotes in them", () => {
  assert.deepEqual(csvFields('a,,"b, ""c""",d,'), ["a", "", 'b, "c"', "d", ""]);
  assert.deepEqual(csvFields(""), [""]);
});

test("servers are read by the names of their columns, whatever a target says in its answers", () => {
  const header = "# pxname,svname,scur,status,check_status,last_chk,check_code,hanafail,";
  const [row, ...rest] = parseServers(`${header}\ntg.g,s:0,3,DOWN 1/2,* L7STS,"I'm, ""UP""",418,2,\n`);
  assert.deepEqual(rest, []);
  assert.deepEqual(row, {
    backend: "tg.g",
    name: "s:0",
    status: "DOWN 1/2",
    sessions: 3,
    checkStatus: "L7STS",
    checkCode: "418",
    markDowns: 2,
  });
});

test("what is no statistics is refused", () => {
  assert.throws(() => parseServers("Unknown command"), /not statistics/);
  assert.throws(() => parseServers("# pxname,svname,\n"), /statistics without status/);
});

test("a worker tells its pid, version and description", () => {
  const info = "Name: HAProxy\nVersion: 2.6.12\nPid: 42\ndescription: berth 3 abc\nStopping: 0\nCurrConns: 7\n";
  assert.deepEqual(parseInfo(info), {
    pid: 42,
    version: "2.6.12",
    description: "berth 3 abc",
    stopping: false,
    connections: 7,
  });
  assert.throws(() => parseInfo(""), /not worker information/);
});

test("the master tells its failed reloads and retired workers", () => {
  const answer = `#<PID>          <type>          <reloads>       <uptime>        <version>
8044            master          3 [failed: 1]   0d00h00m39s     2.6.12
# workers
8203            worker          0               0d00h00m01s     2.6.12
# old workers
8054            worker          1               0d00h00m39s     2.6.12
8055            worker          2               0d00h00m39s     2.6.12
# programs
`;
  assert.deepEqual(parseProcesses(answer), { master: 8044, failedReloads: 1, retired: [8054, 8055] });
  const without = answer.replace(/# old workers\n(8.*\n){2}/, "");
  assert.deepEqual(parseProcesses(without).retired, []);
});

test("each answer ends at its prompt, and one that broke off is not an answer", () => {
  assert.deepEqual(splitAnswers("\n> New server registered.\n\n> \n> a\nb\n\n> "), [
    "New server registered.",
    "",
    "a\nb",
  ]);
  assert.deepEqual(splitAnswers("\n> New server registered.\n\n> half"), ["New server registered."]);
});

test("a session tells the server that it is on", () => {
  const answer = `0x55d0c0a8: proto=tcpv4 src=127.0.0.1:60452 fe=ls.web be=tg.g srv=a:0 ts=00 epoch=0 age=4s calls=2
0x55d0c0b8: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1`;
  assert.deepEqual(parseSessions(answer), [
    { id: "0x55d0c0a8", backend: "tg.g", server: "a:0" },
    { id: "0x55d0c0b8", backend: "<NONE>", server: "<none>" },
  ]);
});
