import type { ServiceLoadBalancer } from "../../../model/deployment.ts";
import { actionTargetGroups } from "../../../model/load-balancer.ts";
import type { ServiceRecord } from "../../../model/service.ts";
import { actionsOf, findForward } from "../../../state/index.ts";
import type { BerthView } from "../../../store/index.ts";
import { invalidParameter } from "../errors.ts";

type Tables = Pick<BerthView, "targetGroups" | "listeners" | "listenerRules" | "loadBalancers">;

/**
 * Throws InvalidParameterException unless the service's load balancers are such that its strategy can shift traffic between
 * their target groups. Source: ECS developer guide, required resources for blue/green, linear and canary deployments.
 */
export function checkShift(
  tables: Tables,
  { shift, loadBalancers, schedulingStrategy }: Pick<ServiceRecord, "shift" | "loadBalancers" | "schedulingStrategy">,
): void {
  for (const lb of loadBalancers) if (lb.advanced !== undefined) checkPair(tables, lb, lb.advanced);
  if (shift === undefined) return;
  if (schedulingStrategy === "DAEMON") {
    throw invalidParameter("The daemon scheduling strategy supports the deployment strategy ROLLING only.");
  }
  if (loadBalancers.some((lb) => lb.advanced === undefined)) {
    throw invalidParameter(
      `For the deployment strategy ${shift.strategy}, every load balancer needs an advancedConfiguration.`,
    );
  }
  if (shift.strategy === "BLUE_GREEN") return;
  const isApplication = loadBalancers.every((lb) => ownerOf(tables, lb)?.type === "application");
  if (loadBalancers.length > 0 && isApplication) return;
  throw invalidParameter(`The deployment strategy ${shift.strategy} needs an Application Load Balancer.`);
}

function ownerOf(tables: Tables, { advanced }: ServiceLoadBalancer) {
  const found = findForward(tables, advanced?.productionListenerRule ?? "");
  if (found === undefined) return undefined;
  return tables.loadBalancers.get("rule" in found ? found.rule.loadBalancerArn : found.defaultOf.loadBalancerArn);
}

function checkPair(
  tables: Tables,
  lb: ServiceLoadBalancer,
  {
    alternateTargetGroupArn: alternate,
    productionListenerRule,
    testListenerRule,
  }: NonNullable<ServiceLoadBalancer["advanced"]>,
): void {
  const { targetGroupArn: primary } = lb;
  if (alternate === primary) throw invalidParameter("alternateTargetGroupArn must differ from targetGroupArn.");
  const groups = [primary, alternate].map((arn) => {
    const group = tables.targetGroups.get(arn);
    if (group === undefined) throw invalidParameter(`The specified target group ${arn} does not exist.`);
    return group;
  });
  if (groups[0]?.protocol !== groups[1]?.protocol || groups[0]?.targetType !== groups[1]?.targetType) {
    throw invalidParameter("targetGroupArn and alternateTargetGroupArn must have the same protocol and target type.");
  }
  const owner = checkRule(tables, "productionListenerRule", productionListenerRule, [primary, alternate]);
  if (testListenerRule !== undefined) {
    if (testListenerRule === productionListenerRule) {
      throw invalidParameter("testListenerRule must differ from productionListenerRule.");
    }
    if (checkRule(tables, "testListenerRule", testListenerRule, [primary, alternate]) !== owner) {
      throw invalidParameter("testListenerRule and productionListenerRule must belong to the same load balancer.");
    }
  }
  for (const arn of [primary, alternate]) checkUsers(tables, arn, owner);
}

/** The load balancer of a rule that forwards to one or both of the groups, and to nothing else. */
function checkRule(tables: Tables, member: string, arn: string, groups: readonly string[]): string {
  const found = findForward(tables, arn);
  if (found === undefined) throw invalidParameter(`The ${member} ${arn} does not exist.`);
  const owner = "rule" in found ? found.rule.loadBalancerArn : found.defaultOf.loadBalancerArn;
  const isListener = "defaultOf" in found && found.defaultOf.arn === arn;
  const isApplication = tables.loadBalancers.get(owner)?.type === "application";
  if (isListener === isApplication) {
    throw invalidParameter(
      isApplication
        ? `The ${member} of an Application Load Balancer must be the ARN of a listener rule, not of a listener.`
        : `The ${member} of a Network Load Balancer must be the ARN of a listener.`,
    );
  }
  const used = actionTargetGroups(actionsOf(found));
  if (used.length === 0 || used.some((group) => !groups.includes(group))) {
    throw invalidParameter(
      `The ${member} ${arn} must forward to targetGroupArn, to alternateTargetGroupArn or to both, and to nothing else.`,
    );
  }
  return owner;
}

/** A target group belongs to one load balancer: the rule will forward to both. */
function checkUsers(tables: Tables, arn: string, owner: string): void {
  const users = [...tables.listeners.where("targetGroup", arn), ...tables.listenerRules.where("targetGroup", arn)];
  if (users.every((user) => user.loadBalancerArn === owner)) return;
  throw invalidParameter(
    `The target group ${arn} is associated with another load balancer than productionListenerRule.`,
  );
}
