import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generatedFiles } from "../../../scripts/generate/files.ts";
import { acmModel, berthModel, cloudWatchModel, ecsModel, elbv2Model, logsModel, type Shape } from "../model.ts";

const files = generatedFiles();

for (const [name, text] of files)
  test(`${name} is what the pinned SDK packages say; if not, run \`npm run generate\``, () => {
    assert.ok(readFileSync(new URL(name, import.meta.url), "utf8") === text, `${name} is stale`);
  });

function member(shape: Shape | undefined, name: string): Shape | undefined {
  return shape?.type === "structure" ? shape.members.find((candidate) => candidate.name === name)?.shape : undefined;
}

test("the models hold all that the SDK knows: operations, errors, number kinds, enums, required members", () => {
  const ecs = ecsModel();
  const elbv2 = elbv2Model();
  assert.equal(ecs.operations.size, 88);
  assert.equal(elbv2.operations.size, 51);
  const runTask = ecs.operations.get("RunTask");
  assert.equal(member(runTask?.input, "count")?.type, "integer");
  assert.equal(member(runTask?.input, "launchType")?.type, "enum");
  assert.deepEqual(runTask?.input.type === "structure" && runTask.input.required, ["taskDefinition"]);
  assert.ok(runTask?.errors.has("ConflictException"));
  const taskSet = member(ecs.operations.get("CreateTaskSet")?.input, "scale");
  assert.equal(member(taskSet, "value")?.type, "double");
  assert.equal(elbv2.errors.get("TargetGroupNotFoundException"), elbv2.errors.get("TargetGroupNotFound"));
  assert.equal(ecs.errors.get("ServerException")?.status, 500);
});

test("every error that an operation lists is in the model", () => {
  for (const model of [acmModel(), cloudWatchModel(), ecsModel(), elbv2Model(), logsModel(), berthModel()])
    for (const operation of model.operations.values())
      for (const error of operation.errors) assert.ok(model.errors.has(error), `${operation.name}: ${error}`);
});
