import { AwsError } from "../../wire/errors.ts";
import { elbv2Model } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Principal } from "../context.ts";
import { serviceOf } from "../service.ts";
import { elbV2Operations } from "./operations.ts";

/** ELBv2 as the wire serves it. An operation that is not carried out is refused by its name. */
export function createElbV2Service(context: ApiContext): WireService<Principal> {
  return serviceOf(
    elbv2Model(),
    elbV2Operations,
    context,
    (operation) => new AwsError("UnsupportedOperation", `Berth does not carry out the ELBv2 operation ${operation}.`),
  );
}
