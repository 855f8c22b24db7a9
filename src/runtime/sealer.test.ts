import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "./random.ts";
import { createSealer } from "./sealer.ts";

const KEY = "0123456789abcdef".repeat(4);

test("sealed text opens with its key for its context, and is another each time", () => {
  const sealer = createSealer(KEY, seededRandom(1));
  const sealed = sealer.seal("sécret", "a");
  assert.equal(sealer.open(sealed, "a"), "sécret");
  assert.notEqual(sealer.seal("sécret", "a"), sealed);
  assert.ok(!Buffer.from(sealed.slice(2), "base64").includes("sécret"));
  assert.equal(sealer.open(sealer.seal("", "a"), "a"), "");
});

test("sealed text does not open for another context, with another key, or changed", () => {
  const sealer = createSealer(KEY, seededRandom(1));
  const sealed = sealer.seal("secret", "a");
  assert.throws(() => sealer.open(sealed, "b"), /for b cannot be opened/);
  assert.throws(() => createSealer("f".repeat(64), seededRandom(1)).open(sealed, "a"), /cannot be opened/);
  for (let at = 2; at < sealed.length - 2; at += 7) {
    const changed = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
    assert.throws(() => sealer.open(changed, "a"), /cannot be opened/);
  }
  assert.throws(() => sealer.open("1.", "a"), /cannot be opened/);
  assert.throws(() => sealer.open("9.AAAA", "a"), /form that is not known/);
  assert.throws(() => createSealer("abc", seededRandom(1)), RangeError);
});
