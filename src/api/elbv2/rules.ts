import type { Rule } from "@aws-sdk/client-elastic-load-balancing-v2";
import { carries, type ListenerRecord, type ListenerRuleRecord } from "../../model/load-balancer.ts";
import type { BerthTransaction, BerthView } from "../../store/index.ts";
import { type ListenerArn, listenerRuleArn, parseListenerArn } from "../../wire/arn.ts";
import { type ActionPlace, actionsFrom } from "./actions.ts";
import { ElbError, validationError } from "./errors.ts";
import { listenerOf, loadBalancerOf, ruleOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";
import { refuseMembers } from "./refuse.ts";
import { conditionsFrom } from "./rule-conditions.ts";
import { CREATE_RULE_REFUSED, MODIFY_RULE_REFUSED } from "./rule-refusals.ts";
import { tagsFrom } from "./tags.ts";

/** How many rules a load balancer may have, default rules not counted. Source: ELB quotas. */
const MAX_RULES = 100;

/** Source: ELBv2 API reference, CreateRule. */
const MAX_PRIORITY = 50_000;

export const createRule: Operation<"CreateRule"> = async ({ store, clock, random, scope }, input) => {
  refuseMembers(CREATE_RULE_REFUSED, input);
  const conditions = conditionsFrom(input.Conditions ?? []);
  const priority = priorityOf(input.Priority);
  const ruleId = random.hex(8);
  const now = clock.now();
  const record = await store.transact("CreateRule", (tx) => {
    const listener = listenerOf(tx, input.ListenerArn);
    const place = placeOf(tx, listener);
    if (carries(place.protocol) !== "HTTP")
      throw new ElbError(
        "InvalidConfigurationRequestException",
        "Rules are supported for listeners of Application Load Balancers only",
      );
    checkPriorities(tx, listener.arn, new Map([["", priority]]));
    if (tx.listenerRules.count("loadBalancer", listener.loadBalancerArn) >= MAX_RULES) {
      throw new ElbError(
        "TooManyRulesException",
        `Load balancer '${listener.loadBalancerArn}' has ${MAX_RULES} rules already`,
      );
    }
    return tx.listenerRules.put({
      arn: listenerRuleArn(scope, { ...namesOf(listener), ruleId }),
      listenerArn: listener.arn,
      loadBalancerArn: listener.loadBalancerArn,
      priority,
      conditions,
      actions: actionsFrom(tx, place, input.Actions ?? []),
      tags: tagsFrom({}, input.Tags ?? []),
      createdAt: now,
    });
  });
  return { Rules: [toWire(record)] };
};

export const modifyRule: Operation<"ModifyRule"> = async ({ store }, input) => {
  refuseMembers(MODIFY_RULE_REFUSED, input);
  const conditions = input.Conditions === undefined ? undefined : conditionsFrom(input.Conditions);
  const record = await store.transact("ModifyRule", (tx) => {
    const rule = madeRuleOf(tx, input.RuleArn, "modified");
    const place = placeOf(tx, listenerOf(tx, rule.listenerArn));
    return tx.listenerRules.put({
      ...rule,
      conditions: conditions ?? rule.conditions,
      actions: input.Actions === undefined ? rule.actions : actionsFrom(tx, place, input.Actions),
    });
  });
  return { Rules: [toWire(record)] };
};

export const deleteRule: Operation<"DeleteRule"> = async ({ store }, input) => {
  await store.transact("DeleteRule", (tx) => tx.listenerRules.delete(madeRuleOf(tx, input.RuleArn, "deleted").arn));
  return {};
};

export const setRulePriorities: Operation<"SetRulePriorities"> = async ({ store }, input) => {
  const pairs = input.RulePriorities ?? [];
  if (pairs.length === 0) throw validationError("At least one rule priority must be specified");
  const changed = await store.transact("SetRulePriorities", (tx) => {
    const wanted = new Map<string, number>();
    const rules = pairs.map(({ RuleArn: arn, Priority: priority }) => {
      const rule = madeRuleOf(tx, arn, "given another priority");
      if (wanted.has(rule.arn)) throw validationError(`Rule '${rule.arn}' was specified more than once`);
      wanted.set(rule.arn, priorityOf(priority));
      return rule;
    });
    for (const [listener, own] of Map.groupBy(rules, (rule) => rule.listenerArn))
      checkPriorities(tx, listener, new Map(own.map(({ arn }) => [arn, wanted.get(arn) ?? 0])));
    return rules.map((rule) => tx.listenerRules.put({ ...rule, priority: wanted.get(rule.arn) ?? rule.priority }));
  });
  return { Rules: changed.map(toWire) };
};

export const describeRules: Operation<"DescribeRules"> = (context, input) => {
  const tables = context.store.view;
  const arns = input.RuleArns ?? [];
  if ((input.ListenerArn === undefined) === (arns.length === 0)) {
    throw validationError("You must specify either rule ARNs or a listener ARN");
  }
  if (arns.length > 0) {
    const found = arns.map((arn) => ruleOf(tables, arn));
    return { Rules: found.map((one) => ("rule" in one ? toWire(one.rule) : defaultRule(one.defaultOf))) };
  }
  const listener = listenerOf(tables, input.ListenerArn);
  const rules = [...tables.listenerRules.where("listener", listener.arn).map(toWire), defaultRule(listener)];
  // By priority; "default" comes after every number.
  const { items, nextMarker } = page(context, rules, (r) => (r.Priority ?? "").padStart(7, "0"), input, listener.arn);
  return { Rules: items, NextMarker: nextMarker };
};

/** A rule that CreateRule made. Throws OperationNotPermitted for a default rule. */
function madeRuleOf(tx: BerthTransaction, arn: string | undefined, what: string): ListenerRuleRecord {
  const found = ruleOf(tx, arn);
  if ("rule" in found) return found.rule;
  throw new ElbError("OperationNotPermittedException", `Default rule '${arn}' cannot be ${what}`);
}

function placeOf(tx: BerthTransaction, { loadBalancerArn, protocol, port }: ListenerRecord): ActionPlace {
  return { owner: loadBalancerOf(tx, loadBalancerArn), protocol, port };
}

function namesOf({ arn }: ListenerRecord) {
  const names = parseListenerArn(arn);
  if (names === undefined) throw new Error(`the record of listener ${arn} has no well-formed ARN`);
  return names;
}

function priorityOf(priority: number | undefined): number {
  if (priority === undefined) throw validationError("A priority must be specified");
  if (priority < 1 || priority > MAX_PRIORITY)
    throw validationError(`Priority '${priority}' must be from 1 to ${MAX_PRIORITY}`);
  return priority;
}

/** Throws PriorityInUse if, with `wanted` (rule ARN to priority) in place, two rules of the listener had one priority. */
function checkPriorities(
  tables: Pick<BerthView, "listenerRules">,
  listener: ListenerArn,
  wanted: ReadonlyMap<string, number>,
): void {
  const others = tables.listenerRules.where("listener", listener).filter(({ arn }) => !wanted.has(arn));
  const taken = new Set(others.map(({ priority }) => priority));
  for (const priority of wanted.values()) {
    if (taken.has(priority)) throw new ElbError("PriorityInUseException", `Priority '${priority}' is currently in use`);
    taken.add(priority);
  }
}

function toWire(rule: ListenerRuleRecord): Rule {
  return {
    RuleArn: rule.arn,
    Priority: String(rule.priority),
    Conditions: [...rule.conditions],
    Actions: [...rule.actions],
    IsDefault: false,
    Transforms: [],
  };
}

function defaultRule(listener: ListenerRecord): Rule {
  return {
    RuleArn: listener.defaultRuleArn,
    Priority: "default",
    Conditions: [],
    Actions: [...listener.defaultActions],
    IsDefault: true,
    Transforms: [],
  };
}
