export { elbV2Operations } from "./operations.ts";
export { elbV2RefusedMembers } from "./refused-members.ts";
export { createElbV2Service } from "./service.ts";
