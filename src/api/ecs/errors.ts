import { AwsError } from "../../wire/errors.ts";
import type { EcsErrorCode } from "../../wire/models/ecs.ts";

/** A refusal that ECS's model defines; the code is checked against the model by the compiler. */
export class EcsError extends AwsError {
  constructor(code: EcsErrorCode, message: string, members?: Record<string, unknown>) {
    super(code, message, { httpStatus: code === "ServerException" ? 500 : 400, members });
  }
}

export const clusterNotFound = () => new EcsError("ClusterNotFoundException", "Cluster not found.");
export const serviceNotFound = () => new EcsError("ServiceNotFoundException", "Service not found.");
export const serviceNotActive = () => new EcsError("ServiceNotActiveException", "Service was not ACTIVE.");
export const clientError = (message: string) => new EcsError("ClientException", message);
export const invalidParameter = (message: string) => new EcsError("InvalidParameterException", message);

/** What Berth does not carry out is refused by its name, never ignored. `member` is the input's path, `hint` what to do instead. */
export const notCarriedOut = (member: string, hint?: string) =>
  new EcsError(
    "InvalidParameterException",
    `Berth does not carry out ${member}.${hint === undefined ? "" : ` ${hint}`}`,
  );
