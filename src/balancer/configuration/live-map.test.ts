import assert from "node:assert/strict";
import { test } from "node:test";
import { mapCommands, parseMap, renderMap } from "./live-map.ts";

test("a map is brought to what is wanted by the commands that it takes, and no others", () => {
  const known = new Map([
    ["a", "1"],
    ["b", "2"],
    ["c", "3"],
  ]);
  const wanted = new Map([
    ["a", "1"],
    ["b", "9"],
    ["d", "4"],
  ]);
  assert.deepEqual(
    mapCommands("/m", known, wanted).map(({ text }) => text),
    ["del map /m c", "set map /m b 9", "add map /m d 4"],
  );
  assert.deepEqual(mapCommands("/m", known, known), []);
});

test("what HAProxy tells of a map is what was written, the first of two entries of one name", () => {
  const contents = new Map([
    ["r1.0", "800000"],
    ["AB", "i-1:80@1:10.0.0.1:80:t:0"],
  ]);
  const told = renderMap(contents)
    .trimEnd()
    .split("\n")
    .map((line, index) => `0x55${index} ${line}`);
  assert.deepEqual(parseMap([...told, "0x559 AB other"].join("\n")), new Map([...contents].toReversed()));
});
