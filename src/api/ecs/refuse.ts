import type { EcsOperations } from "../../wire/models/ecs.ts";
import { firstRefused, nameOf, type RefusedMember } from "../refused-member.ts";
import { notCarriedOut } from "./errors.ts";

export type RefusedMembers<K extends keyof EcsOperations> = readonly RefusedMember<EcsOperations[K]["input"]>[];

/** Throws InvalidParameterException that names the first row that the input asks for. */
export function refuseMembers<Input>(refused: readonly RefusedMember<Input>[], input: Input): void {
  const row = firstRefused(refused, input);
  if (row !== undefined) throw notCarriedOut(nameOf(row), row.hint);
}
