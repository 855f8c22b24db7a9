export type { AgentSocket, AgentSocketEvents } from "./agent-socket.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
export { DEFAULT_GATEWAY_SETTINGS, type GatewaySettings } from "./settings.ts";
export {
  type LogPosition,
  MAX_LOG_EVENTS,
  TASK_LOGS_ATTRIBUTE,
  type TaskLogEvent,
  type TaskLogsAnswer,
  type TaskLogsRequest,
} from "./task-logs.ts";
export { ACS_PATH, type SessionRequest, TCS_PATH } from "./upgrade.ts";
