import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { acmModel, ecsModel, elbv2Model, type ServiceModel, type Shape } from "../wire/model.ts";
import { acmOperations, REQUEST_CERTIFICATE_REFUSED } from "./acm/index.ts";
import { compatibilityPage } from "./compatibility.ts";
import { ecsOperations, ecsRefusedMembers, TASK_DEFINITION_REFUSED } from "./ecs/index.ts";
import { elbV2Operations, elbV2RefusedMembers } from "./elbv2/index.ts";
import type { RefusedMember } from "./refused-member.ts";

test("docs/compatibility.md says what the code says; `node scripts/compatibility.ts` writes it anew", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/compatibility.md"), "utf8");
  assert.equal(page, compatibilityPage());
});

type Refused = Readonly<Record<string, readonly RefusedMember<never>[]>>;

for (const { service, model, operations, refused } of [
  {
    service: "ECS",
    model: ecsModel(),
    operations: ecsOperations,
    refused: { ...ecsRefusedMembers, RegisterTaskDefinition: TASK_DEFINITION_REFUSED } as unknown as Refused,
  },
  {
    service: "ACM",
    model: acmModel(),
    operations: acmOperations,
    refused: { RequestCertificate: REQUEST_CERTIFICATE_REFUSED } as unknown as Refused,
  },
  {
    service: "ELBv2",
    model: elbv2Model(),
    operations: elbV2Operations,
    refused: elbV2RefusedMembers as unknown as Refused,
  },
] satisfies { service: string; model: ServiceModel; operations: object; refused: Refused }[]) {
  test(`${service}: every member that is refused is a member of its operation's input, and its operation is carried out`, () => {
    let checked = 0;
    for (const [operation, rows] of Object.entries(refused)) {
      assert.ok(operation in operations, `${operation} is not carried out`);
      const described = model.operations.get(operation);
      assert.ok(described !== undefined, operation);
      for (const { member } of rows) {
        assert.ok(isPath(described.input, member), `${operation} has no member ${member}`);
        checked++;
      }
    }
    assert.ok(checked >= 7);
  });
}

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
