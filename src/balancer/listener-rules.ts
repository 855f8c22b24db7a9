import { isIP } from "node:net";

/** What is done with a request (or, behind a TCP listener, a connection). */
export type ListenerAction =
  | {
      readonly type: "forward";
      /** 1 to 5 groups. `weight` is 0-999; groups share traffic by weight. All weights 0: every request gets 503. */
      readonly targetGroups: readonly { readonly targetGroupId: string; readonly weight: number }[];
      /**
       * HTTP listeners only. A client stays with the group that it was given first for this long after its last request, by a
       * cookie, as long as that group has a weight above 0.
       */
      readonly stickinessSeconds?: number;
    }
  /** HTTP listeners only. */
  | {
      readonly type: "redirect";
      readonly statusCode: 301 | 302;
      /** Each may hold `#{protocol}`, `#{host}`, `#{port}`, `#{path}` (without its leading `/`) and `#{query}`. */
      readonly protocol: string;
      readonly host: string;
      readonly port: string;
      readonly path: string;
      /** Without the `?`, which stands only before a query that is not empty. */
      readonly query: string;
    }
  /** HTTP listeners only. */
  | {
      readonly type: "fixed-response";
      readonly statusCode: number;
      readonly contentType?: string;
      readonly body?: string;
    };

/**
 * What a request must be like. Values are alternatives. In `values`, `*` stands for any number of characters and `?` for one;
 * in those of headers and queries a `\` before one of them takes it as it is.
 */
export type RuleCondition =
  /** The Host header without its port, in any case. */
  | { readonly field: "host-header"; readonly values: readonly string[] }
  /** The path without the query. Case counts. */
  | { readonly field: "path-pattern"; readonly values: readonly string[] }
  /** Any line of that header, in any case. */
  | { readonly field: "http-header"; readonly name: string; readonly values: readonly string[] }
  /** No wildcards; case counts. */
  | { readonly field: "http-request-method"; readonly values: readonly string[] }
  /** A parameter of the query as it is written, in any case; without a key, any parameter of that value. */
  | {
      readonly field: "query-string";
      readonly values: readonly { readonly key?: string; readonly value: string }[];
    }
  /** The address that the connection comes from, as `address/prefix`. */
  | { readonly field: "source-ip"; readonly values: readonly string[] };

/** What an HTTP listener does with requests that fulfil all conditions. */
export interface RuleState {
  /** Unique in its listener; 1-255 characters, any. */
  readonly id: string;
  /** At least one. */
  readonly conditions: readonly RuleCondition[];
  readonly action: ListenerAction;
}

/** The group ids that an action forwards to. */
export function forwardedGroups(action: ListenerAction): string[] {
  return action.type === "forward" ? action.targetGroups.map(({ targetGroupId }) => targetGroupId) : [];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;
/** A body may have line breaks and tabs besides. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL_IN_BODY = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** A header's name. Without the two kinds of quotes that its grammar allows, which HAProxy's arguments cannot carry. */
const HEADER_NAME = /^[A-Za-z0-9!#$%&*+.^_|~-]{1,40}$/;

/** Whether `text` is `address/prefix`. */
export function isCidr(text: string): boolean {
  const [, address = "", prefix = ""] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** What of `action` cannot be carried out whatever listener it is for. */
export function* actionProblems(action: ListenerAction): Generator<string> {
  if (action.type === "forward") {
    const seconds = action.stickinessSeconds;
    if (action.targetGroups.length < 1 || action.targetGroups.length > 5) yield "a forward has 1-5 target groups";
    for (const { weight } of action.targetGroups)
      if (!Number.isInteger(weight) || weight < 0 || weight > 999)
        yield `weight ${weight} is not a whole number in 0-999`;
    if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= 604_800))
      yield `stickiness of ${seconds} s is not a whole number within 1-604800`;
  }
  if (action.type === "redirect") {
    const { protocol, host, port, path, query } = action;
    for (const text of [protocol, host, port, path, query])
      if (CONTROL.test(text)) yield "a redirect has a control character";
  }
  if (action.type === "fixed-response") {
    const { statusCode, contentType = "", body = "" } = action;
    if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599)
      yield `fixed response status ${statusCode} is not within 200-599`;
    if (CONTROL_IN_BODY.test(body) || CONTROL.test(contentType)) yield "a fixed response has a control character";
  }
}

function* conditionProblems(condition: RuleCondition): Generator<string> {
  if (condition.values.length < 1) yield `${condition.field} has no value`;
  if (condition.field === "http-header" && !HEADER_NAME.test(condition.name))
    yield `${JSON.stringify(condition.name)} is not the name of a header`;
  for (const value of condition.values) {
    const texts = typeof value === "string" ? [value] : [value.key ?? "-", value.value];
    if (texts.some((text) => text.length < 1 || text.length > 255 || CONTROL.test(text)))
      yield `${condition.field} ${JSON.stringify(value)} is not 1-255 characters without control characters`;
    if (condition.field === "source-ip" && !isCidr(value as string))
      yield `source-ip ${JSON.stringify(value)} is not an address and prefix`;
  }
}

/** What of `rule` cannot be carried out. */
export function* ruleProblems(rule: RuleState): Generator<string> {
  if (rule.id.length < 1 || rule.id.length > 255) yield "an id has 1-255 characters";
  if (rule.conditions.length < 1) yield "a rule has at least one condition";
  for (const condition of rule.conditions) yield* conditionProblems(condition);
  yield* actionProblems(rule.action);
}
