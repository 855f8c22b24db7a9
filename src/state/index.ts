export { recordBalancer, recordBalancerLeft } from "./balancers.ts";
export { findProvider, providerNamed, providerOfInstance } from "./capacity-providers.ts";
export {
  beginOrder,
  endRequest,
  failAttempt,
  issueCertificate,
  markAnswered,
  noteTrouble,
  requestedCertificate,
  requestRenewal,
} from "./certificates.ts";
export { countedDaemon, daemonRequirements, fleetBehindDaemons, isDaemonTask } from "./daemons.ts";
export { actionsOf, findForward, forwardsOf, setForward, weightsAt } from "./forwards.ts";
export { newTask, type TagSources, type TaskOrder, tagsOfNewTask } from "./new-task.ts";
export {
  beginServiceDeployment,
  endServiceDeployments,
  newServiceDeploymentId,
  requestRollback,
} from "./service-deployments.ts";
export { addServiceEvent, EVENT_REPEAT_MS } from "./service-events.ts";
export { placementOfService } from "./service-placement.ts";
export { applyTargetHealth, deregisterTarget, registerTarget, removeTarget } from "./targets.ts";
export { purgeableTaskDefinitions, purgeTaskDefinitions } from "./task-definitions.ts";
export {
  abandonTask,
  applyHealth,
  applyReport,
  type ContainerReport,
  type ContainersHealth,
  finishDraining,
  launchTask,
  protectTask,
  releaseTask,
  requestStop,
  type StopCause,
  type TaskReport,
} from "./tasks.ts";
export { tasksOnInstance } from "./tasks-on-instance.ts";
