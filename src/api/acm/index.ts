export { acmOperations } from "./operations.ts";
export { REQUEST_CERTIFICATE_REFUSED } from "./request-refusals.ts";
export { createAcmService } from "./service.ts";
