export {
  countByProvider,
  NO_PROVIDER,
  providerForStart,
  providerForStop,
  providersForStarts,
} from "./capacity-strategy.ts";
export type { Chance } from "./chance.ts";
export { type FailedCheck, type PortHolder, reasonOf } from "./checks.ts";
export { describeCheck, describeFix, describeFixes, describeInstance, describePlacement } from "./describe.ts";
export { explainRefusal, NO_INSTANCES, NO_INSTANCES_IN_PROVIDER } from "./explain.ts";
export { explainPlacement, type Fix, type InstanceExplanation, type PlacementExplanation } from "./explanation.ts";
export { Fleet } from "./fleet.ts";
export { gpuCountOf, type Need, type NeedOverrides, type NeedSource, needOf, requiredAttributesOf } from "./need.ts";
export { PlacementIndex } from "./placement-index.ts";
export { Placer, placersByProvider, placeTask } from "./placer.ts";
export { matchesQuery, type QueriedInstance } from "./query/evaluate.ts";
export type { Expression } from "./query/expression.ts";
export { parseQuery, queryProblem } from "./query/parse.ts";
export {
  DEFAULT_SERVICE_STRATEGY,
  DEFAULT_TASK_STRATEGY,
  type Placement,
  type PlacementRequest,
  type Refusal,
  type RefusalReason,
  type TasksOnInstance,
} from "./request.ts";
export { requirementsOf } from "./requirements.ts";
export { roomFor, spreadFields } from "./room.ts";
export { type Stoppable, scaleInOrder } from "./scale-in.ts";
export { spreadGroup } from "./strategies.ts";
export { MAX_PLACEMENT_CONSTRAINTS, MAX_PLACEMENT_STRATEGIES, memberOfProblem, placementProblem } from "./validate.ts";
