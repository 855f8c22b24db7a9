export { acmOperations } from "./operations.ts";
export { createAcmService } from "./service.ts";
