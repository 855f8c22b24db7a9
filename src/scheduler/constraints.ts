import type { PlacementConstraint } from "@aws-sdk/client-ecs";
import { asksOfTasks, type Expression } from "./query/expression.ts";
import { parseQuery } from "./query/parse.ts";

/** A placement constraint, read. */
export type Constraint =
  | { readonly kind: "distinctInstance" }
  | {
      readonly kind: "memberOf";
      readonly expression: Expression;
      /** As it was given. */
      readonly text: string;
      /** False if the answer for an instance depends on the tasks there. */
      readonly isOfInstance: boolean;
    };

/** Reads a constraint. Throws QuerySyntaxError for an expression that is none. */
export function readConstraint({ type, expression: text = "" }: PlacementConstraint): Constraint {
  if (type === "distinctInstance") return { kind: "distinctInstance" };
  const expression = parseQuery(text);
  return { kind: "memberOf", expression, text, isOfInstance: !asksOfTasks(expression) };
}
