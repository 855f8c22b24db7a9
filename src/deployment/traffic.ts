import { type DeploymentRecord, type ServiceLoadBalancer, taskLoadBalancersOf } from "../model/deployment.ts";

/** What a listener's rule sends to which target group: ARN to weight. */
export type RuleWeights = ReadonlyMap<string, number>;

/** What a listener's rule, default rule or listener of that ARN is to forward to: all its target groups with their weights. */
export interface SetTraffic {
  readonly kind: "set-traffic";
  readonly ruleArn: string;
  readonly weights: readonly { readonly targetGroupArn: string; readonly weight: number }[];
}

/** Percent of production and of test traffic that a deployment is to have. */
export interface Share {
  readonly production: number;
  readonly test: number;
}

/**
 * Percents as the weights of a forward, which are whole numbers from 0 to 999: 10 gives 10 and 90, 0.5 gives 5 and 995. Their
 * sum is 100 or 1000. Rule [TS5].
 */
export function weightsOf(percent: number): { readonly mine: number; readonly others: number } {
  if (Number.isInteger(percent)) return { mine: percent, others: 100 - percent };
  const mine = Math.round(percent * 10);
  return { mine, others: 1000 - mine };
}

/** The rules through which traffic reaches a deployment, and what share of theirs goes to its groups. */
function routes(deployment: DeploymentRecord, share: Share) {
  const mine = taskLoadBalancersOf(deployment);
  return deployment.loadBalancers.flatMap((lb, i) => {
    if (lb.advanced === undefined) return [];
    const group = mine[i]?.targetGroupArn ?? "";
    const { alternateTargetGroupArn: alternate, productionListenerRule, testListenerRule } = lb.advanced;
    const idle = group === alternate ? lb.targetGroupArn : alternate;
    const production = { ruleArn: productionListenerRule, group, idle, percent: share.production };
    const test = { ruleArn: testListenerRule ?? "", group, idle, percent: share.test };
    return testListenerRule === undefined ? [production] : [production, test];
  });
}

/** The ARNs of the rules that shift traffic between a service's target groups. */
export function shiftingRules(loadBalancers: readonly ServiceLoadBalancer[]): readonly string[] {
  return loadBalancers.flatMap(({ advanced }) =>
    advanced === undefined ? [] : [advanced.productionListenerRule, advanced.testListenerRule ?? []].flat(),
  );
}

/** The rules that are not there, or forward to no target group, and can give the deployment no traffic. */
export function missingRules(deployment: DeploymentRecord, rules: ReadonlyMap<string, RuleWeights>): readonly string[] {
  return shiftingRules(deployment.loadBalancers).filter((arn) => !rules.has(arn));
}

/** Gives the deployment its share of the traffic and the other groups the rest, where that is not so already. Rule [TS5]. */
export function trafficActions(
  deployment: DeploymentRecord,
  share: Share,
  rules: ReadonlyMap<string, RuleWeights>,
): readonly SetTraffic[] {
  return routes(deployment, share).flatMap(({ ruleArn, group, idle, percent }): SetTraffic[] => {
    const now = rules.get(ruleArn);
    if (now === undefined) return [];
    const { mine, others } = weightsOf(percent);
    if (now.size === 2 && now.get(group) === mine && now.get(idle) === others) return [];
    // In an order that does not change from deployment to deployment, so that only weights change.
    const weights = [
      { targetGroupArn: group, weight: mine },
      { targetGroupArn: idle, weight: others },
    ].toSorted((a, b) => (a.targetGroupArn < b.targetGroupArn ? -1 : 1));
    return [{ kind: "set-traffic", ruleArn, weights }];
  });
}
