export { logsOperations } from "./operations.ts";
export { createLogsService } from "./service.ts";
