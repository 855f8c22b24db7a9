export { ecsOperations } from "./operations.ts";
export type { RefusedMembers } from "./refuse.ts";
export { ecsRefusedMembers } from "./refused-members.ts";
export { createEcsService } from "./service.ts";
export { TASK_DEFINITION_REFUSED } from "./task-definitions/launch-refusals.ts";
