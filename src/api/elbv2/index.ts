export { elbV2Operations } from "./operations.ts";
export { createElbV2Service } from "./service.ts";
