import type { Action } from "@aws-sdk/client-elastic-load-balancing-v2";
import { type RuleWeights, type SetTraffic, shiftingRules } from "../deployment/index.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import type { ListenerRecord, ListenerRuleRecord } from "../model/load-balancer.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";

type Tables = Pick<BerthView, "listenerRules" | "listeners">;

/** A rule that was made, or a listener by its own ARN or by that of its default rule. */
type Found = { readonly rule: ListenerRuleRecord } | { readonly defaultOf: ListenerRecord };

/** What ECS means by the ARN of a production or test listener rule; undefined if it is not there. */
export function findForward(tables: Tables, arn: string): Found | undefined {
  const rule = tables.listenerRules.get(arn);
  if (rule !== undefined) return { rule };
  const defaultOf = tables.listeners.get(arn) ?? tables.listeners.where("defaultRule", arn)[0];
  return defaultOf === undefined ? undefined : { defaultOf };
}

/** The actions that decide there. */
export const actionsOf = (found: Found) => ("rule" in found ? found.rule.actions : found.defaultOf.defaultActions);

/** The target groups of the forward there, with their weights; undefined if it does not forward. */
export function weightsAt(tables: Tables, arn: string): RuleWeights | undefined {
  const found = findForward(tables, arn);
  const [action] = found === undefined ? [] : actionsOf(found);
  if (action?.Type !== "forward") return undefined;
  const groups = action.ForwardConfig?.TargetGroups ?? [{ TargetGroupArn: action.TargetGroupArn }];
  return new Map(groups.map(({ TargetGroupArn: group = "", Weight: weight = 1 }) => [group, weight]));
}

/** The forwards that deployments' load balancers shift traffic with, by the ARN of their rule. */
export function forwardsOf(tables: Tables, deployments: readonly DeploymentRecord[]): ReadonlyMap<string, RuleWeights> {
  const forwards = new Map<string, RuleWeights>();
  for (const arn of deployments.flatMap((d) => shiftingRules(d.loadBalancers))) {
    const weights = weightsAt(tables, arn);
    if (weights !== undefined) forwards.set(arn, weights);
  }
  return forwards;
}

/** Gives a rule's forward these target groups and weights; whatever else it says stays. Does nothing if there is none. */
export function setForward(tx: BerthTransaction, { ruleArn, weights }: SetTraffic): void {
  const found = findForward(tx, ruleArn);
  if (found === undefined) return;
  const actions = actionsOf(found).map((action) => (action.Type === "forward" ? withWeights(action, weights) : action));
  if ("rule" in found) tx.listenerRules.put({ ...found.rule, actions });
  else tx.listeners.put({ ...found.defaultOf, defaultActions: actions });
}

/** A forward to several groups has no TargetGroupArn. */
function withWeights(action: Action, weights: SetTraffic["weights"]): Action {
  return {
    ...action,
    TargetGroupArn: undefined,
    ForwardConfig: {
      ...action.ForwardConfig,
      TargetGroups: weights.map(({ targetGroupArn, weight }) => ({ TargetGroupArn: targetGroupArn, Weight: weight })),
    },
  };
}
