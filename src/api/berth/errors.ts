import { AwsError } from "../../wire/errors.ts";
import type { BerthErrorCode } from "../../wire/models/berth.ts";

/** A refusal that the model of Berth's own API lists; the code is checked against it by the compiler. */
export class BerthError extends AwsError {
  constructor(code: BerthErrorCode, message: string) {
    super(code, message);
  }
}

export const resourceNotFound = (message: string) => new BerthError("ResourceNotFoundException", message);
export const invalidParameter = (message: string) => new BerthError("InvalidParameterException", message);
