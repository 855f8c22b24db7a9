import type { Action, RuleCondition, RuleTransform } from "@aws-sdk/client-elastic-load-balancing-v2";
import { refusedActions } from "./action-refusals.ts";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

/** What CreateRule and ModifyRule have in common. */
interface RuleWish {
  readonly Conditions?: readonly RuleCondition[];
  readonly Actions?: readonly Action[];
  readonly Transforms?: readonly RuleTransform[];
}

const WILDCARDS = "Use values with the wildcards '*' and '?'.";

const RULE: readonly RefusedRow<RuleWish>[] = [
  ...refusedActions<RuleWish>("Actions", ({ Actions: actions }) => actions),
  { member: "Conditions[].RegexValues", hint: WILDCARDS },
  { member: "Conditions[].HostHeaderConfig.RegexValues", hint: WILDCARDS },
  { member: "Conditions[].PathPatternConfig.RegexValues", hint: WILDCARDS },
  { member: "Conditions[].HttpHeaderConfig.RegexValues", hint: WILDCARDS },
  { member: "Transforms" },
];

export const CREATE_RULE_REFUSED: RefusedRows<"CreateRule"> = RULE;
export const MODIFY_RULE_REFUSED: RefusedRows<"ModifyRule"> = RULE;
