import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { groupsBelow, tryRemoveGroup } from "./control-groups.ts";

test("groups are listed parents first, and removed deepest first unless something is in them", () => {
  const root = mkdtempSync(join(tmpdir(), "groups-"));
  try {
    const [a, b] = [join(root, "a"), join(root, "a", "b")];
    mkdirSync(b, { recursive: true });
    assert.deepEqual(groupsBelow(a), [a, b]);
    assert.equal(tryRemoveGroup(a), false);
    writeFileSync(join(root, "file"), "");
    assert.equal(tryRemoveGroup(root), false);
    assert.deepEqual(groupsBelow(a).toReversed().map(tryRemoveGroup), [true, true]);
    assert.deepEqual([groupsBelow(a), tryRemoveGroup(a)], [[], true]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
