export { breakerThreshold } from "./circuit-breaker.ts";
export { assessHealth, type Health } from "./health.ts";
export { isOpen as isOpenHook, withHooksClosed } from "./hooks.ts";
export { hasFirstTask, mustWait, needsDigest } from "./image-pinning.ts";
export { bakesUntil, MINUTE_MS } from "./lifecycle.ts";
export { rollingLimits } from "./limits.ts";
export { type NextGroups, nextGroups } from "./live.ts";
export * as serviceMessages from "./messages.ts";
export { type DeploymentWish, newDeployment, supersede } from "./new-deployment.ts";
export {
  type DaemonHost,
  DEFAULT_DEPLOYMENT_SETTINGS,
  type DeploymentSettings,
  type Observed,
  type ObservedPlace,
  type ObservedTask,
  type ServiceAction,
} from "./observed.ts";
export { type Move, planRebalance, type RebalancePlace } from "./rebalance.ts";
export * as rebalanceMessages from "./rebalance-messages.ts";
export { rebalanceMoves } from "./rebalance-service.ts";
export { reconcileService } from "./reconcile.ts";
export { MAX_STARTS_PER_LOOK } from "./rolling.ts";
export { type Wanted, wantedTasks } from "./roster.ts";
export { breakerReport } from "./service-deployment.ts";
export { returnTraffic, shiftUnderWay } from "./shift.ts";
export { isSettled } from "./throttle.ts";
export { type RuleWeights, type SetTraffic, shiftingRules } from "./traffic.ts";
