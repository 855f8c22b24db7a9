export { berthOperations } from "./operations.ts";
export { createBerthService } from "./service.ts";
