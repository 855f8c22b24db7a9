import { AwsError } from "../../wire/errors.ts";
import type { ElbV2ErrorCode, ElbV2Operations } from "../../wire/models/elbv2.ts";
import { firstRefused, nameOf, type RefusedMember } from "../refused-member.ts";
import { notCarriedOut } from "./errors.ts";

/** As ELBv2 refuses it: with ValidationError, or with the exception that its model has for it. */
export type RefusedRow<Input> = RefusedMember<Input> & { readonly code?: ElbV2ErrorCode };

export type RefusedRows<K extends keyof ElbV2Operations> = readonly RefusedRow<ElbV2Operations[K]["input"]>[];

/** Throws the exception of the first row that the input asks for, with the row's name. */
export function refuseMembers<Input>(refused: readonly RefusedRow<Input>[], input: Input): void {
  const row: RefusedRow<Input> | undefined = firstRefused(refused, input);
  if (row === undefined) return;
  const error = notCarriedOut(nameOf(row), row.hint);
  throw row.code === undefined ? error : new AwsError(row.code, error.message);
}
