import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isStatic } from "./hello-image.ts";
import { tar } from "./tar.ts";

test("the archive is read by tar with names, modes, contents and links as given", () => {
  const archive = tar([
    { path: "dir/", mode: 0o755, content: "" },
    { path: "dir/file", mode: 0o640, content: "x".repeat(513) },
    { path: "dir/link", linkTo: "file" },
  ]);
  const listing = execFileSync("tar", ["-tvf", "-"], { input: archive, encoding: "utf8" });
  assert.match(listing, /^drwxr-xr-x .* dir\/$/m);
  assert.match(listing, /^-rw-r----- .* 513 .* dir\/file$/m);
  assert.match(listing, /dir\/link -> file$/m);
  const content = execFileSync("tar", ["-xOf", "-", "dir/file"], { input: archive, encoding: "utf8" });
  assert.equal(content, "x".repeat(513));
});

test("a path that does not fit in the archive is refused", () => {
  assert.throws(() => tar([{ path: "x".repeat(101), mode: 0o644, content: "" }]), RangeError);
});

test("a program that needs shared libraries, or is no program, is not taken for a static one", () => {
  assert.equal(isStatic(readFileSync(process.execPath)), false);
  assert.equal(isStatic(Buffer.from("#!/bin/sh\n")), false);
});
