import { AwsError } from "../../wire/errors.ts";
import type { LogsErrorCode } from "../../wire/models/logs.ts";

/** A refusal that the model of CloudWatch Logs defines; the code is checked against the model by the compiler. */
export class LogsError extends AwsError {
  constructor(code: LogsErrorCode, message: string) {
    super(code, message, { httpStatus: code === "ServiceUnavailableException" ? 500 : 400 });
  }
}

export const invalidParameter = (message: string) => new LogsError("InvalidParameterException", message);
export const unavailable = (message: string) => new LogsError("ServiceUnavailableException", message);
export const logGroupNotFound = () =>
  new LogsError("ResourceNotFoundException", "The specified log group does not exist.");
export const logStreamNotFound = () =>
  new LogsError("ResourceNotFoundException", "The specified log stream does not exist.");

/** What Berth does not carry out is refused by its name, never ignored. `hint` says what to do instead. */
export const notCarriedOut = (what: string, hint?: string) =>
  invalidParameter(`Berth does not carry out ${what}.${hint === undefined ? "" : ` ${hint}`}`);
