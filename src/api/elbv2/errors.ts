import { AwsError } from "../../wire/errors.ts";
import type { ElbV2ErrorCode } from "../../wire/models/elbv2.ts";

/** A refusal that ELBv2's model defines; the code is checked against the model by the compiler. */
export class ElbError extends AwsError {
  constructor(code: ElbV2ErrorCode, message: string) {
    super(code, message);
  }
}

/** A value that no model error covers: ELBv2 answers `ValidationError` for those. */
export const validationError = (message: string) => new AwsError("ValidationError", message);

/** What Berth does not carry out is refused by its name, never ignored. `hint` says what to do instead. */
export const notCarriedOut = (what: string, hint?: string) =>
  new AwsError("ValidationError", `Berth does not carry out ${what}.${hint === undefined ? "" : ` ${hint}`}`);

export const loadBalancerNotFound = (what: string) =>
  new ElbError("LoadBalancerNotFoundException", `Load balancers '[${what}]' not found`);
export const targetGroupNotFound = (what: string) =>
  new ElbError("TargetGroupNotFoundException", `Target groups '[${what}]' not found`);
export const listenerNotFound = (what: string) =>
  new ElbError("ListenerNotFoundException", `Listeners '[${what}]' not found`);
export const ruleNotFound = (what: string) => new ElbError("RuleNotFoundException", `Rules '[${what}]' not found`);
