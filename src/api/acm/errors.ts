import { AwsError } from "../../wire/errors.ts";
import type { AcmErrorCode } from "../../wire/models/acm.ts";

/** A refusal that ACM's model defines; the code is checked against the model by the compiler. */
export class AcmError extends AwsError {
  constructor(code: AcmErrorCode, message: string) {
    super(code, message);
  }
}

/** How many certificates an account may have. Source: ACM quotas. */
export const MAX_CERTIFICATES = 2500;

export const invalidParameter = (message: string) => new AcmError("InvalidParameterException", message);

export const notIssued = (arn: string) =>
  new AcmError("RequestInProgressException", `Certificate ${arn} has not been issued yet.`);

export const validationError = (message: string) => new AcmError("ValidationException", message);

/** What Berth does not carry out is refused by its name, never ignored. */
export const notCarriedOut = (what: string) => new AcmError("ValidationException", `Berth does not carry out ${what}.`);

export const certificateNotFound = (arn: string, account: string) =>
  new AcmError("ResourceNotFoundException", `Could not find certificate ${arn} in account ${account}.`);
