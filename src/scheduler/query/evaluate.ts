import { attributeValue, type ContainerInstanceRecord } from "../../model/container-instance.ts";
import { assertNever } from "../../runtime/assert-never.ts";
import type { TasksOnInstance } from "../request.ts";
import type { Expression, Operator, Predicate } from "./expression.ts";
import { instantOf } from "./instant.ts";

/** What an expression is asked of. */
export interface QueriedInstance {
  readonly instance: ContainerInstanceRecord;
  /** Asked only by `task:group` and `runningTasksCount`. */
  readonly tasks: () => TasksOnInstance;
}

/**
 * True if the instance is one that the expression means. A subject that the instance lacks fails every predicate but
 * `!exists`: `attribute:stack != prod` means those with another stack, as in ECS's example; `not(…)` means the others, too.
 * Rules: [PL11] and [PL12].
 */
export function matchesQuery(expression: Expression, on: QueriedInstance): boolean {
  switch (expression.kind) {
    case "and":
      return expression.terms.every((term) => matchesQuery(term, on));
    case "or":
      return expression.terms.some((term) => matchesQuery(term, on));
    case "not":
      return !matchesQuery(expression.term, on);
    case "predicate":
      return holds(expression, on);
    default:
      return assertNever(expression, "expression");
  }
}

function holds(predicate: Predicate, { instance, tasks }: QueriedInstance): boolean {
  const { subject } = predicate;
  switch (subject.kind) {
    case "attribute":
      return compare(
        predicate,
        attributeValue(instance, subject.name),
        EQUALITY.has(predicate.operator) ? compareText : compareAttributes,
      );
    case "agentConnected":
      return compare(predicate, String(instance.agentConnected), compareText);
    case "ec2InstanceId":
      return compare(predicate, instance.ec2InstanceId, compareText);
    case "agentVersion":
      return compare(predicate, instance.agentVersion, compareVersions);
    case "registeredAt":
      return compare(predicate, String(instance.registeredAt - (instance.registeredAt % 1000)), compareInstants);
    case "runningTasksCount":
      return compare(predicate, String(tasks().runningTasksCount), compareNumbers);
    case "task:group":
      return holdsOfGroups(predicate, tasks());
    default:
      return assertNever(subject, "subject");
  }
}

/** Below 0 if the instance's value comes before the argument, above 0 if after, 0 if they are the same. */
type Comparison = (value: string, argument: string) => number;

function compare(predicate: Predicate, value: string | undefined, order: Comparison): boolean {
  const { operator, values, pattern } = predicate;
  if (operator === "!exists") return value === undefined;
  if (value === undefined) return false;
  if (operator === "in" || operator === "!in")
    return values.some((one) => order(value, one) === 0) === (operator === "in");
  if (operator === "=~" || operator === "!~") return (pattern?.matches(value) === true) === (operator === "=~");
  return operator === "exists" || isOrdered(operator, order(value, values[0] ?? ""));
}

function isOrdered(operator: Exclude<Operator, "exists" | "!exists" | "in" | "!in" | "=~" | "!~">, order: number) {
  switch (operator) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    default:
      return assertNever(operator, "operator");
  }
}

/** The positive operators ask for one task at least of a group; the negative ones for none. */
function holdsOfGroups({ operator, values, pattern }: Predicate, tasks: TasksOnInstance): boolean {
  if (operator === "=~" || operator === "!~") {
    const some = [...tasks.groups()].some((group) => pattern?.matches(group) === true);
    return some === (operator === "=~");
  }
  return values.some((group) => tasks.has(group)) === (operator === "==" || operator === "in");
}

const compareText: Comparison = (a, b) => (a === b ? 0 : a < b ? -1 : 1);
const compareNumbers: Comparison = (a, b) => Number(a) - Number(b);
const compareInstants: Comparison = (a, b) => Number(a) - (instantOf(b) ?? Number.NaN);

const EQUALITY: ReadonlySet<Operator> = new Set(["==", "!=", "in", "!in"]);
const NUMBER = /^-?\d{1,15}(\.\d{1,15})?$/;

/** The order of attributes, which are text: two that are both numbers are ordered as numbers (our choice). */
const compareAttributes: Comparison = (a, b) =>
  NUMBER.test(a) && NUMBER.test(b) ? Number(a) - Number(b) : compareText(a, b);

/** By the numbers between the dots, `1.9` before `1.14`; a missing one is 0, and what follows the numbers does not count. */
const compareVersions: Comparison = (a, b) => {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

function numbersOf(version: string): readonly number[] {
  const numbers = /^v?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? "0";
  return numbers.split(".").map(Number);
}
