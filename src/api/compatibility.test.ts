import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ecsModel, type Shape } from "../wire/model.ts";
import { compatibilityPage } from "./compatibility.ts";
import { ecsOperations, ecsRefusedMembers, type RefusedMember, TASK_DEFINITION_REFUSED } from "./ecs/index.ts";

test("docs/compatibility.md says what the code says; `node scripts/compatibility.ts` writes it anew", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/compatibility.md"), "utf8");
  assert.equal(page, compatibilityPage());
});

test("every member that is refused is a member of its operation's input, and its operation is carried out", () => {
  const inputs = Object.entries(ecsRefusedMembers).map(([operation, rows]) => ({
    operation,
    rows: rows as readonly RefusedMember<never>[],
  }));
  const definition = {
    operation: "RegisterTaskDefinition",
    rows: TASK_DEFINITION_REFUSED as readonly RefusedMember<never>[],
  };
  let checked = 0;
  for (const { operation, rows } of [...inputs, definition]) {
    assert.ok(operation in ecsOperations, `${operation} is not carried out`);
    const model = ecsModel().operations.get(operation);
    assert.ok(model !== undefined, operation);
    for (const { member } of rows) {
      assert.ok(isPath(model.input, member), `${operation} has no member ${member}`);
      checked++;
    }
  }
  assert.ok(checked > 30);
});

/** True if the path leads from the shape to a member; `[]` stands where it goes into a list. */
function isPath(shape: Shape, path: string): boolean {
  let at: Shape | undefined = shape;
  for (const step of path.split(".")) {
    const name = step.replace(/\[\]$/, "");
    at = at?.type === "structure" ? at.members.find((m) => m.name === name)?.shape : undefined;
    if (step.endsWith("[]")) at = at?.type === "list" ? at.item : undefined;
  }
  return at !== undefined;
}
