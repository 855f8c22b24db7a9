import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAnswerLine, tellingLines } from "./traffic-lines.ts";

const line = { frontend: "ls.a", backend: "tg.b", server: "t:10.0.0.1:80:t:0", ms: 12 };

for (const [text, expected] of [
  ["<134>answer ls.a tg.b t:10.0.0.1:80:t:0 12", { ...line, weight: 1 }],
  ["<133>answer ls.a tg.b t:10.0.0.1:80:t:0 12", { ...line, weight: 32 }],
  ["<132>answer ls.a tg.b t:10.0.0.1:80:t:0 12", { ...line, weight: 512 }],
  ["<135>answer ls.a tg.b t:10.0.0.1:80:t:0 12", undefined],
  ["<134>answer ls.a tg.b t:10.0.0.1:80:t:0 -1", undefined], // no answer
  ["<134>answer ls.a tg.b <NOSRV> 12", undefined],
  ["<134>answer ls.a ls.a <NOSRV> -1", undefined],
  ["<134>Proxy ls.a stopped (cumulated conns: FE: 9, BE: 0).", undefined],
  ["", undefined],
] as const)
  test(`a line of the ring: ${JSON.stringify(text)}`, () => assert.deepEqual(parseAnswerLine(text), expected));

test("listeners share what lines may come in a second", () => {
  const share = (listeners: number) => /gt (\d+)/.exec(tellingLines("ls.web", listeners, false).join("\n"))?.[1];
  assert.deepEqual([0, 1, 4, 5000].map(share), ["200", "200", "50", "10"]);
});
