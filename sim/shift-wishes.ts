import type { BerthView } from "../src/store/index.ts";
import type { Chance } from "./chance.ts";
import { type Family, PAIRS, pairNames } from "./set-up.ts";

/** A load balancer whose pair of target groups no service has. */
export function shiftingBalancer(view: BerthView, chance: Chance, { containerPort }: Family): object | undefined {
  const groups = new Map([...view.targetGroups.all()].map((g) => [g.name, g.arn]));
  const taken = new Set(
    [...view.services.all()].flatMap((s) =>
      s.status === "INACTIVE" ? [] : s.loadBalancers.map((l) => l.targetGroupArn),
    ),
  );
  const pairs = Array.from({ length: PAIRS }, (_, i) => pairNames(i + 1)).filter(
    ([first]) => groups.has(first) && !taken.has(groups.get(first) ?? ""),
  );
  const pair = chance.maybe(pairs);
  if (pair === undefined) return undefined;
  const [targetGroupArn, alternateTargetGroupArn] = pair.map((name) => groups.get(name) ?? "") as [string, string];
  const [listener] = view.listeners.where("targetGroup", targetGroupArn);
  const productionListenerRule = listener?.defaultRuleArn;
  const advancedConfiguration = { alternateTargetGroupArn, productionListenerRule };
  return { targetGroupArn, containerName: "main", containerPort, advancedConfiguration };
}

/** A deployment strategy that shifts traffic. */
export function strategy(chance: Chance): object {
  const bakeTimeInMinutes = chance.pick([0, 1, 3]);
  return chance.pick([
    { strategy: "BLUE_GREEN", bakeTimeInMinutes },
    {
      strategy: "CANARY",
      bakeTimeInMinutes,
      canaryConfiguration: { canaryPercent: chance.pick([0.5, 10]), canaryBakeTimeInMinutes: chance.pick([0, 2]) },
    },
    {
      strategy: "LINEAR",
      bakeTimeInMinutes,
      linearConfiguration: { stepPercent: chance.pick([25, 33.4]), stepBakeTimeInMinutes: chance.pick([0, 1]) },
    },
  ]);
}

/** Lifecycle hooks that wait for a user, or for none. */
export function pauses(chance: Chance): readonly object[] {
  if (chance.is(0.5)) return [];
  const lifecycleStages = [
    chance.pick(["PRE_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]),
  ];
  const timeoutConfiguration = { timeoutInMinutes: chance.pick([1, 5]), action: chance.pick(["CONTINUE", "ROLLBACK"]) };
  return [{ targetType: "PAUSE", lifecycleStages, timeoutConfiguration }];
}
