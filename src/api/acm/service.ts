import { acmModel } from "../../wire/model.ts";
import type { WireService } from "../../wire/wire-service.ts";
import type { ApiContext, Call, Principal } from "../context.ts";
import { AcmError } from "./errors.ts";
import { acmOperations } from "./operations.ts";

type AnyOperation = (context: ApiContext, input: unknown, call: Call) => unknown;

/** The part of Certificate Manager that keeps certificates for listeners. An operation that is not carried out is refused by its name. */
export function createAcmService(context: ApiContext): WireService<Principal> {
  const operations = new Map(Object.entries(acmOperations)) as Map<string, AnyOperation>;
  return {
    model: acmModel(),
    has: (operation) => operations.has(operation),
    call: async (operation, input, call) => {
      const carriedOut = operations.get(operation);
      if (carriedOut === undefined) {
        // The one such operation, RequestCertificate, lists this exception.
        const message = `Berth does not carry out the ACM operation ${operation}. Use ImportCertificate.`;
        throw new AcmError("InvalidParameterException", message);
      }
      return carriedOut(context, input, call);
    },
  };
}
