export { cloudWatchOperations } from "./operations.ts";
export { createCloudWatchService } from "./service.ts";
