import { createHash } from "node:crypto";
import type { ListenerAction, RuleState } from "../listener-rules.ts";
import type { BalancerState, ListenerState } from "../state.ts";

type Forward = Extract<ListenerAction, { type: "forward" }>;

/**
 * How a forward's weights become live values. Each request draws a number below `RANGE`; group `i` of a forward takes it if it is
 * below the group's threshold in HAProxy's map of weights, and no group before it took it. Weights 80 and 20 make the thresholds
 * 800,000 and 1,000,000; 0 and 0 make 0 and 0, which nothing is below. To change weights is to set map entries.
 */
export const RANGE = 1_000_000;

/** What names a rule in the configuration and in the map. Listener ids and rule ids are too long for every request. */
export const ruleKey = (listener: Pick<ListenerState, "id">, rule: Pick<RuleState, "id"> | undefined): string =>
  ruleKeyOf(listener.id, rule?.id);

/** The same by ids; without that of a rule it is the default action. */
export function ruleKeyOf(listenerId: string, ruleId: string | undefined): string {
  const what = ruleId === undefined ? `default of ${listenerId}` : `${ruleId} of ${listenerId}`;
  return `r${createHash("sha256").update(what).digest("hex").slice(0, 12)}`;
}

/** The action as a forward whose weights are live, or undefined if it is none. One group needs no draw. */
export const weightedForward = (action: ListenerAction): Forward | undefined =>
  action.type === "forward" && action.targetGroups.length > 1 ? action : undefined;

/** The map's entry with the threshold of group `index`, and the one with its bare weight. */
export const thresholdEntry = (key: string, index: number): string => `${key}.${index}`;
export const weightEntry = (key: string, index: number): string => `${key}.${index}.w`;

/** The whole map for `state`: entry to value. */
export function weightEntries(state: BalancerState): Map<string, string> {
  const entries = new Map<string, string>();
  for (const listener of state.listeners) {
    for (const rule of [...listener.rules, undefined]) {
      const action = weightedForward(rule?.action ?? listener.defaultAction);
      if (action === undefined) continue;
      const key = ruleKey(listener, rule);
      const total = action.targetGroups.reduce((sum, { weight }) => sum + weight, 0);
      let below = 0;
      for (const [index, { weight }] of action.targetGroups.entries()) {
        below += weight;
        entries.set(thresholdEntry(key, index), String(total === 0 ? 0 : Math.round((below * RANGE) / total)));
        if (action.stickinessSeconds !== undefined) entries.set(weightEntry(key, index), String(weight));
      }
    }
  }
  return entries;
}
