import type { Pattern } from "./pattern.ts";

/** What a predicate speaks of. */
export type Subject =
  | { readonly kind: "attribute"; readonly name: string }
  | {
      readonly kind:
        | "agentConnected"
        | "agentVersion"
        | "ec2InstanceId"
        | "registeredAt"
        | "runningTasksCount"
        | "task:group";
    };

/** The operators by their signs; OPERATOR_WORDS has their other names. */
export type Operator = "==" | "!=" | ">" | ">=" | "<" | "<=" | "exists" | "!exists" | "in" | "!in" | "=~" | "!~";

/** An operator's word, where it has one besides its sign. Source: ECS developer guide, cluster query language. */
export const OPERATOR_WORDS: Readonly<Record<string, Operator>> = {
  equals: "==",
  not_equals: "!=",
  greater_than: ">",
  greater_than_equal: ">=",
  less_than: "<",
  less_than_equal: "<=",
  exists: "exists",
  not_exists: "!exists",
  in: "in",
  not_in: "!in",
  matches: "=~",
  not_matches: "!~",
};

const EQUALITY: readonly Operator[] = ["==", "!="];
const MEMBERSHIP: readonly Operator[] = [...EQUALITY, "in", "!in", "=~", "!~"];
const ORDER: readonly Operator[] = [...EQUALITY, ">", ">=", "<", "<="];

/** What may be asked of each subject. Source: as above; the list of task:group is our choice, since ECS publishes none. */
export const OPERATORS: Readonly<Record<Subject["kind"], readonly Operator[]>> = {
  agentConnected: MEMBERSHIP,
  ec2InstanceId: MEMBERSHIP,
  "task:group": MEMBERSHIP,
  agentVersion: ORDER,
  runningTasksCount: ORDER,
  registeredAt: ORDER,
  attribute: [...new Set([...MEMBERSHIP, ...ORDER, "exists" as const, "!exists" as const])],
};

/** One comparison, such as `attribute:ecs.instance-type =~ t2.*`. */
export interface Predicate {
  readonly kind: "predicate";
  readonly subject: Subject;
  readonly operator: Operator;
  /** The argument; the members of a list; none for exists. */
  readonly values: readonly string[];
  /** Of `=~` and `!~`. */
  readonly pattern?: Pattern;
  /** As it was written. */
  readonly text: string;
}

/** An expression of ECS's cluster query language. */
export type Expression =
  | { readonly kind: "and" | "or"; readonly terms: readonly Expression[]; readonly text: string }
  | { readonly kind: "not"; readonly term: Expression; readonly text: string }
  | Predicate;

/** True if the expression asks about the tasks on an instance, which change, and not only what the instance is. */
export function asksOfTasks(expression: Expression): boolean {
  switch (expression.kind) {
    case "and":
    case "or":
      return expression.terms.some(asksOfTasks);
    case "not":
      return asksOfTasks(expression.term);
    case "predicate":
      return expression.subject.kind === "task:group" || expression.subject.kind === "runningTasksCount";
  }
}
