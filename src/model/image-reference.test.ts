import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, isImageDigest, withDigest } from "./image-reference.ts";

const D = `sha256:${"0a".repeat(32)}`;

test("an image is named by its digest in its own repository, without its tag", () => {
  const rows = [
    ["web", `web@${D}`],
    ["web:v1", `web@${D}`],
    ["team/web:v1", `team/web@${D}`],
    ["localhost:5000/web", `localhost:5000/web@${D}`],
    ["localhost:5000/team/web:v1", `localhost:5000/team/web@${D}`],
    [`web:v1@sha256:${"1".repeat(64)}`, `web@${D}`],
  ] as const;
  for (const [image, pinned] of rows) assert.equal(withDigest(image, D), pinned);
  assert.deepEqual([digestOf(`web:v1@${D}`), digestOf("web:v1")], [D, undefined]);
});

test("only sha256 and 64 hex digits are a digest", () => {
  assert.deepEqual([D, D.slice(1), `${D}0`, D.toUpperCase(), "", undefined].map(isImageDigest), [
    true,
    false,
    false,
    false,
    false,
    false,
  ]);
});
