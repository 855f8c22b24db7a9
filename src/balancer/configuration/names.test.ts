import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  backendName,
  backupName,
  backupOf,
  decodeName,
  encodeName,
  frontendName,
  listenerIdOf,
  serverPrefix,
  targetGroupIdOf,
  targetIdOf,
} from "./names.ts";

test("a name has only characters that HAProxy takes, and tells its id", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (id) => {
      const name = encodeName(id);
      assert.match(name, /^[A-Za-z0-9._-]*$/);
      assert.equal(decodeName(name), id);
      assert.equal(targetGroupIdOf(backendName(id)), id);
      assert.equal(listenerIdOf(frontendName(id)), id);
      const server = `${serverPrefix({ id, address: "::1", port: 80, draining: false })}3`;
      assert.equal(targetIdOf(server), id);
      assert.equal(targetIdOf(backupName(server)), id);
    }),
  );
});

test("a frontend or backend that is none of ours carries nothing", () => {
  assert.equal(listenerIdOf("tg.a"), undefined);
  assert.equal(targetGroupIdOf("none"), undefined);
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
