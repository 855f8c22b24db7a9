import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bounds, earlier, later, makeToken, openToken } from "./event-token.ts";

const KEY = { secret: "s", stream: "/berth/default\nweb/web/1" };

test("a token holds its direction and place, and is good for its own stream only", () => {
  const place = fc.record({
    ms: fc.constantFrom(0, 5, 1_767_225_600_000, 8_640_000_000_000_000),
    count: fc.nat(10_000_000),
  });
  fc.assert(
    fc.property(place, fc.constantFrom("forward" as const, "backward" as const), (position, direction) => {
      const token = makeToken({ direction, position }, KEY);
      assert.ok(token.startsWith(direction === "forward" ? "f/" : "b/"));
      assert.deepEqual(openToken(token, KEY), { direction, position: { ...position } });
      for (const other of [
        { ...KEY, stream: "other" },
        { ...KEY, secret: "t" },
      ])
        assert.throws(() => openToken(token, other), { code: "InvalidParameterException" });
    }),
  );
  for (const bad of [
    "",
    "f/",
    "x",
    `f/${"0".repeat(60)}`,
    `${makeToken({ direction: "forward", position: { ms: 1, count: 2 } }, KEY)}0`,
  ])
    assert.throws(() => openToken(bad, KEY), { message: "The specified nextToken is invalid." });
});

const at = (...times: number[]) => times.map((timestamp) => ({ timestamp }));
for (const [times, offset, start, end] of [
  [[5, 7, 7], 2, [5, 2], [7, 2]],
  [[7, 7], 1, [7, 1], [7, 3]],
  [[7], 0, [7, 0], [7, 1]],
  [[5, 6], 0, [5, 0], [6, 1]],
] as const)
  test(`events at ${times} with ${offset} before them lie between ${start} and ${end}`, () => {
    assert.deepEqual(bounds(at(...times), offset), {
      start: { ms: start[0], count: start[1] },
      end: { ms: end[0], count: end[1] },
    });
  });

test("no events have no bounds; places compare by millisecond, then by count", () => {
  assert.equal(bounds([], 0), undefined);
  const [a, b, c] = [
    { ms: 1, count: 9 },
    { ms: 2, count: 0 },
    { ms: 2, count: 1 },
  ] as const;
  assert.deepEqual([later(a, b), later(c, b), later(undefined, a), later(undefined, undefined)], [b, c, a, undefined]);
  assert.deepEqual([earlier(a, b), earlier(c, b), earlier(undefined, a)], [a, b, a]);
});
