import { AwsError } from "../../wire/errors.ts";
import { elbv2Model } from "../../wire/model.ts";
import type { WireService } from "../../wire/server.ts";
import type { ApiContext, Call, Principal } from "../context.ts";
import { elbV2Operations } from "./operations.ts";

type AnyOperation = (context: ApiContext, input: unknown, call: Call) => unknown;

/** ELBv2 as the wire serves it. An operation that is not carried out is refused by its name. */
export function createElbV2Service(context: ApiContext): WireService<Principal> {
  const operations = new Map(Object.entries(elbV2Operations)) as Map<string, AnyOperation>;
  return {
    model: elbv2Model(),
    has: (operation) => operations.has(operation),
    call: async (operation, input, call) => {
      const carriedOut = operations.get(operation);
      if (carriedOut === undefined) {
        throw new AwsError("UnsupportedOperation", `Berth does not carry out the ELBv2 operation ${operation}.`);
      }
      return carriedOut(context, input, call);
    },
  };
}
