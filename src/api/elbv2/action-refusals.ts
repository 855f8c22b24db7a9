import type { Action } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { RefusedRow } from "./refuse.ts";

/** What signs people in or checks their tokens: the targets have to. */
const NOT_CARRIED_OUT: readonly (string | undefined)[] = [
  "authenticate-oidc",
  "authenticate-cognito",
  "jwt-validation",
];

/** The rows for an operation's list of actions. */
export function refusedActions<Input>(
  member: string,
  actionsOf: (input: Input) => readonly Action[] | undefined,
): readonly RefusedRow<Input>[] {
  return [
    {
      member: `${member}[].Type`,
      what: "authenticate-oidc, authenticate-cognito and jwt-validation",
      when: (input) => (actionsOf(input) ?? []).some(({ Type }) => NOT_CARRIED_OUT.includes(Type)),
      hint: "Use 'forward', 'redirect' or 'fixed-response'.",
    },
  ];
}
