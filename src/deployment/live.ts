import { type DeploymentRecord, taskLoadBalancersOf } from "../model/deployment.ts";
import type { ServiceRecord } from "../model/service.ts";
import { isProven } from "./rolling.ts";

/**
 * The deployment, of these, that has a service's traffic: the newest that is known to work, else the newest that was not given
 * up, else one that was given up and kept the traffic for want of another. `deployments` are from new to old; what is only just being
 * deployed is not among them. Rule [TS2].
 */
export function liveOf(deployments: readonly DeploymentRecord[]): DeploymentRecord | undefined {
  const going = deployments.filter((d) => d.rolloutState !== "FAILED");
  return going.find(isProven) ?? going[0] ?? deployments.find((d) => d.tookOverAt !== undefined);
}

/** Which of its target groups a service's next deployment is to use, or why there is none that it could. */
export type NextGroups = { readonly usesAlternate: boolean } | { readonly refusal: string };

/**
 * The groups for a new deployment of the service as it is to be; `service.deployments` are those so far. One that shifts traffic
 * gets the idle groups, one that rolls stays in those that have the traffic. Rule [TS2].
 */
export function nextGroups({ loadBalancers, shift, deployments }: ServiceRecord): NextGroups {
  const live = liveOf(deployments);
  const taken = new Set((live === undefined ? [] : taskLoadBalancersOf(live)).map((lb) => lb.targetGroupArn));
  const shifting = loadBalancers.filter((lb) => lb.advanced !== undefined);
  if (shifting.length === 0)
    return plainGroups(
      live,
      loadBalancers.map((lb) => lb.targetGroupArn),
    );
  if (taken.size === 0) return { usesAlternate: false };
  const onPrimary = shifting.filter((lb) => taken.has(lb.targetGroupArn)).length;
  const onAlternate = shifting.filter((lb) => taken.has(lb.advanced?.alternateTargetGroupArn ?? "")).length;
  if (shift === undefined) return { usesAlternate: onAlternate > onPrimary };
  if (onPrimary === shifting.length && onAlternate === 0) return { usesAlternate: true };
  if (onAlternate === shifting.length && onPrimary === 0) return { usesAlternate: false };
  const groups = [...taken].join(", ");
  return {
    refusal:
      `The service's tasks are in the target groups ${groups}. To shift traffic from them, each load balancer needs ` +
      "exactly one of its target groups to be among them, and either all a targetGroupArn or all an alternateTargetGroupArn.",
  };
}

/** Without a second group: it must not be the idle one of a pair, which its listener rule sends nothing to. */
function plainGroups(live: DeploymentRecord | undefined, wanted: readonly string[]): NextGroups {
  if (live === undefined) return { usesAlternate: false };
  const taken = taskLoadBalancersOf(live);
  for (const [i, { advanced, targetGroupArn }] of live.loadBalancers.entries()) {
    if (advanced === undefined) continue;
    const mine = taken[i]?.targetGroupArn ?? "";
    const idle = mine === targetGroupArn ? advanced.alternateTargetGroupArn : targetGroupArn;
    if (!wanted.includes(idle)) continue;
    return {
      refusal: `The service's traffic goes to the target group ${mine}, and not to ${idle}: give that as targetGroupArn.`,
    };
  }
  return { usesAlternate: false };
}
