import { AwsError } from "../../wire/errors.ts";

/** A value that CloudWatch would not take. Every operation may answer it: GetMetricData lists no exception of its own for one. */
export const validationError = (message: string) => new AwsError("ValidationError", message);

/** What Berth does not carry out is refused by its name, never ignored. */
export const notCarriedOut = (what: string) => validationError(`Berth does not carry out ${what}.`);
