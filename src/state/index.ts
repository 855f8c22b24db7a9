export { addServiceEvent, EVENT_REPEAT_MS } from "./service-events.ts";
export {
  abandonTask,
  applyHealth,
  applyReport,
  type ContainerReport,
  finishDraining,
  launchTask,
  requestStop,
  type StopCause,
  type TaskReport,
} from "./tasks.ts";
