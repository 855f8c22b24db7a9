import type { OperationModel, Shape, StructureShape } from "../wire/model.ts";
import { sampleValue } from "../wire/sample-value.ts";

/** For tests: an input with the required members only, one where these are empty, and one with every member and hostile values in all of them. */
export function inputsOf(operation: OperationModel): unknown[] {
  if (operation.input.type !== "structure") throw new Error(`the input of ${operation.name} is no structure`);
  return [required(operation.input), empty(operation.input), sampleValue(operation.input)];
}

function required(shape: Shape): unknown {
  if (shape.type !== "structure") return sampleValue(shape);
  const all = sampleValue(shape) as Record<string, unknown>;
  return Object.fromEntries(shape.required.map((name) => [name, all[name]]));
}

/** The required members, as empty as their types allow. */
function empty(shape: StructureShape): unknown {
  const blank = (of: Shape | undefined): unknown =>
    of?.type === "list" ? [] : of?.type === "string" ? "" : of === undefined ? undefined : sampleValue(of);
  return Object.fromEntries(
    shape.required.map((name) => [name, blank(shape.members.find((m) => m.name === name)?.shape)]),
  );
}
