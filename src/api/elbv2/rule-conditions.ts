import { isIP } from "node:net";
import type { QueryStringKeyValuePair, RuleCondition } from "@aws-sdk/client-elastic-load-balancing-v2";
import { validationError } from "./errors.ts";

/** How many values, and how many wildcards in them, the conditions of one rule may have. Source: ELB quotas. */
const MAX_VALUES = 5;
const MAX_WILDCARDS = 5;

/** A checked condition with what counts against the quotas. */
interface Checked {
  readonly condition: RuleCondition;
  readonly texts: readonly string[];
  readonly values: number;
}

/** Source: ELBv2 API reference, RuleCondition. `once`: a rule may have one condition of the field. */
const FIELDS: Readonly<
  Record<string, { readonly once: boolean; readonly check: (given: RuleCondition) => Checked } | undefined>
> = {
  "host-header": { once: true, check: hostHeader },
  "path-pattern": { once: true, check: pathPattern },
  "http-header": { once: false, check: httpHeader },
  "http-request-method": { once: true, check: requestMethod },
  "query-string": { once: false, check: queryString },
  "source-ip": { once: true, check: sourceIp },
};

/** The conditions of a rule, checked and in the form ELBv2 echoes. Throws ValidationError. */
export function conditionsFrom(given: readonly RuleCondition[]): RuleCondition[] {
  if (given.length === 0) throw validationError("At least one condition must be specified");
  const checked = given.map((condition) => {
    const field = FIELDS[condition.Field ?? ""];
    if (field === undefined)
      throw validationError(
        `Condition field '${condition.Field ?? ""}' must be one of '[${Object.keys(FIELDS).join(", ")}]'`,
      );
    if (field.once && given.filter(({ Field }) => Field === condition.Field).length > 1)
      throw validationError(`A rule can only have one '${condition.Field}' condition`);
    return field.check(condition);
  });
  const values = checked.reduce((sum, one) => sum + one.values, 0);
  if (values > MAX_VALUES) throw validationError(`A rule can only have '${MAX_VALUES}' condition values`);
  const wildcards =
    checked
      .flatMap(({ texts }) => texts)
      .join("")
      .replaceAll(/\\[*?\\]/g, "")
      .match(/[*?]/g) ?? [];
  if (wildcards.length > MAX_WILDCARDS) throw validationError(`A rule can only have '${MAX_WILDCARDS}' wildcards`);
  return checked.map(({ condition }) => condition);
}

/** The values that a condition gives in one of two places. Throws ValidationError if in both, or in neither. */
function valuesOf(
  field: string,
  plain: readonly string[] | undefined,
  config: readonly string[] | undefined,
): string[] {
  const values = [plain ?? [], config ?? []].filter((list) => list.length > 0);
  const [first] = values;
  if (first === undefined) throw validationError(`A condition of field '${field}' must have at least one value`);
  if (values.length > 1 && plain?.join("\n") !== config?.join("\n"))
    throw validationError(`The values of a condition of field '${field}' can be specified in one place only`);
  return [...first];
}

function checkValue(field: string, value: string, pattern: RegExp): void {
  if (value.length < 1 || value.length > 128)
    throw validationError(`Condition value '${value}' of field '${field}' must have 1 to 128 characters`);
  if (!pattern.test(value))
    throw validationError(`Condition value '${value}' of field '${field}' contains a character that is not valid`);
}

const PRINTABLE = /^[\x20-\x7e]+$/;

function hostHeader(given: RuleCondition): Checked {
  const Values = valuesOf("host-header", given.Values, given.HostHeaderConfig?.Values);
  for (const value of Values) checkValue("host-header", value, /^[A-Za-z0-9.*?_-]+$/);
  const condition = { Field: "host-header", Values, HostHeaderConfig: { Values } };
  return { condition, texts: Values, values: Values.length };
}

function pathPattern(given: RuleCondition): Checked {
  const Values = valuesOf("path-pattern", given.Values, given.PathPatternConfig?.Values);
  for (const value of Values) checkValue("path-pattern", value, /^[A-Za-z0-9_.$/~"'@:+&*?%!,;=()-]+$/);
  const condition = { Field: "path-pattern", Values, PathPatternConfig: { Values } };
  return { condition, texts: Values, values: Values.length };
}

function httpHeader({ HttpHeaderConfig: config }: RuleCondition): Checked {
  const HttpHeaderName = config?.HttpHeaderName ?? "";
  if (!/^[A-Za-z0-9!#$%&*+.^_|~-]{1,40}$/.test(HttpHeaderName) || /^host$/i.test(HttpHeaderName))
    throw validationError(`HTTP header name '${HttpHeaderName}' is not valid for a condition`);
  const Values = valuesOf("http-header", undefined, config?.Values);
  for (const value of Values) checkValue("http-header", value, PRINTABLE);
  const condition = { Field: "http-header", HttpHeaderConfig: { HttpHeaderName, Values } };
  return { condition, texts: Values, values: Values.length };
}

function requestMethod({ HttpRequestMethodConfig: config }: RuleCondition): Checked {
  const Values = valuesOf("http-request-method", undefined, config?.Values);
  for (const value of Values) {
    checkValue("http-request-method", value, /^[A-Z_-]+$/);
    if (value.length > 40) throw validationError(`HTTP request method '${value}' must have at most 40 characters`);
  }
  const condition = { Field: "http-request-method", HttpRequestMethodConfig: { Values } };
  return { condition, texts: [], values: Values.length };
}

function queryString({ QueryStringConfig: config }: RuleCondition): Checked {
  const Values = (config?.Values ?? []).map(({ Key, Value }): QueryStringKeyValuePair => {
    if (Value === undefined) throw validationError("A condition of field 'query-string' must have a value");
    for (const text of Key === undefined || Key === "" ? [Value] : [Key, Value])
      checkValue("query-string", text, PRINTABLE);
    return Key === undefined || Key === "" ? { Value } : { Key, Value };
  });
  if (Values.length === 0) throw validationError("A condition of field 'query-string' must have at least one value");
  const texts = Values.flatMap(({ Key, Value }) => [Key ?? "", Value ?? ""]);
  return { condition: { Field: "query-string", QueryStringConfig: { Values } }, texts, values: Values.length };
}

function sourceIp({ SourceIpConfig: config }: RuleCondition): Checked {
  const Values = valuesOf("source-ip", undefined, config?.Values);
  for (const value of Values) {
    const [, address = "", prefix = ""] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(value) ?? [];
    const family = isIP(address);
    if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128))
      throw validationError(`Condition value '${value}' of field 'source-ip' must be in CIDR format`);
  }
  return { condition: { Field: "source-ip", SourceIpConfig: { Values } }, texts: [], values: Values.length };
}
