import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backupName, backupOf, encodeName, serverPrefix } from "./names.ts";

test("a name has only characters that HAProxy takes, and tells its id", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (id) => {
      const name = encodeName(id);
      assert.match(name, /^[A-Za-z0-9._-]*$/);
      const bytes = name.replace(/_([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
      assert.equal(Buffer.from(bytes, "latin1").toString("utf8"), id);
    }),
  );
});

test("a target's servers are told from those of any other target", () => {
  const target = { id: "a", address: "10.0.0.1", port: 80, draining: false };
  const others = [
    { ...target, id: "a:10.0.0.1" },
    { ...target, address: "10.0.0.10" },
    { ...target, port: 8 },
    { ...target, checkPort: 80 },
  ];
  for (const other of others) {
    assert.ok(!serverPrefix(other).startsWith(serverPrefix(target)));
    assert.ok(!serverPrefix(target).startsWith(serverPrefix(other)));
  }
});

test("an unchecked copy is known by its name", () => {
  const server = `${serverPrefix({ id: "open", address: "::1", port: 80, draining: false })}3`;
  assert.equal(backupOf(backupName(server)), server);
  assert.equal(backupOf(server), undefined);
});
