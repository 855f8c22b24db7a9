import type { AwsError } from "./errors.ts";
import type { OperationModel, ServiceModel } from "./model.ts";

/** What any operation may answer, whatever its model lists. Source: AWS API references, "Common Errors". */
const COMMON: Readonly<Record<ServiceModel["protocol"], ReadonlySet<string>>> = {
  json: new Set([
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InternalFailure",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "RequestEntityTooLargeException",
    "RequestTimeoutException",
    "SerializationException",
    "ServiceUnavailableException",
    "ThrottlingException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "UnsupportedMediaTypeException",
    "ValidationException",
  ]),
  query: new Set([
    "AccessDenied",
    "ExpiredToken",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "MalformedQueryString",
    "MissingAction",
    "MissingAuthenticationToken",
    "MissingParameter",
    "RequestEntityTooLarge",
    "RequestExpired",
    "RequestTimeout",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "Throttling",
    "UnsupportedMediaType",
    "ValidationError",
  ]),
};

/** Whether AWS's model lets this operation answer this error. */
export function isDeclaredError(model: ServiceModel, operation: OperationModel, error: AwsError): boolean {
  const modelled = model.errors.get(error.code);
  if (modelled !== undefined && operation.errors.has(modelled.name)) return true;
  return COMMON[model.protocol].has(error.code) || (model.alsoRpc && COMMON.query.has(error.code));
}
