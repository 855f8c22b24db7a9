import type { Setting, SettingName } from "@aws-sdk/client-ecs";
import type { AccountSettingRecord } from "../../../model/account-setting.ts";
import type { BerthView } from "../../../store/index.ts";
import type { ApiContext } from "../../context.ts";
import type { RefusedMember } from "../../refused-member.ts";
import { invalidParameter, notCarriedOut } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";

const PAGE = { default: 10, max: 10 } as const;
/** The principal of what holds for the whole account. */
const ACCOUNT = "default";
const ON_OFF = ["enabled", "disabled"] as const;

interface SettingRule {
  readonly values: readonly string[];
  /** What holds when nobody has put the setting: how Berth behaves. */
  readonly builtIn: string;
  /** What Berth cannot be made to do, with what to do instead. */
  readonly refused: readonly string[];
  readonly hint?: string;
}

/** Source: ECS API reference, PutAccountSetting. */
export const SETTINGS: Readonly<Record<Exclude<SettingName, "guardDutyActivate">, SettingRule>> = {
  awsvpcTrunking: { values: ON_OFF, builtIn: "disabled", refused: ["enabled"] },
  containerInsights: { values: ["enhanced", ...ON_OFF], builtIn: "disabled", refused: ["enhanced", "enabled"] },
  containerInstanceLongArnFormat: longArns(),
  defaultLogDriverMode: {
    values: ["blocking", "non-blocking"],
    builtIn: "blocking",
    refused: ["non-blocking"],
    hint: "Set the option mode in the container's logConfiguration.",
  },
  fargateEventWindows: { values: ON_OFF, builtIn: "disabled", refused: ["enabled"] },
  fargateFIPSMode: { values: ON_OFF, builtIn: "disabled", refused: ["enabled"] },
  fargateTaskRetirementWaitPeriod: { values: ["0", "7", "14"], builtIn: "7", refused: ["0", "14"] },
  serviceLongArnFormat: longArns(),
  tagResourceAuthorization: { values: ["on", "off"], builtIn: "off", refused: ["on"] },
  taskLongArnFormat: longArns(),
};

function longArns(): SettingRule {
  return { values: ON_OFF, builtIn: "enabled", refused: ["disabled"], hint: "All ARNs have the long format." };
}

/** For the page on compatibility: the same rules as rows. */
export const PUT_ACCOUNT_SETTING_REFUSED: readonly RefusedMember<{
  readonly name: SettingName;
  readonly value: string;
}>[] = Object.entries(SETTINGS).map(([name, rule]) => ({
  member: "value",
  what: `${rule.refused.join(", ")} for ${name}`,
  when: (input) => input.name === name && rule.refused.includes(settingValue(input.value)),
  ...(rule.hint === undefined ? {} : { hint: rule.hint }),
}));

/** The long ARN settings may also be given as true and false. */
function settingValue(value: string): string {
  return value === "true" ? "enabled" : value === "false" ? "disabled" : value;
}

export const putAccountSetting: Operation<"PutAccountSetting"> = (context, input, { principal }) =>
  put(context, input.principalArn ?? principal.arn, input);

export const putAccountSettingDefault: Operation<"PutAccountSettingDefault"> = (context, input) =>
  put(context, ACCOUNT, input);

async function put(
  context: ApiContext,
  principal: string,
  input: { readonly name: SettingName; readonly value: string },
): Promise<{ setting: Setting }> {
  if (input.name === "guardDutyActivate") throw invalidParameter("The setting guardDutyActivate is read-only.");
  checkPrincipal(context, principal);
  const rule = SETTINGS[input.name];
  const value = settingValue(input.value);
  if (!rule.values.includes(value)) {
    throw invalidParameter(`Setting value should be one of [${rule.values.join(",")}]`);
  }
  const refused = PUT_ACCOUNT_SETTING_REFUSED.find((row) => row.when?.(input));
  if (refused !== undefined) throw notCarriedOut(`the value ${input.value} for ${input.name}`, refused.hint);
  const record: AccountSettingRecord = { principal, name: input.name, value };
  await context.store.transact("PutAccountSetting", (tx) => tx.accountSettings.put(record));
  return { setting: shown(context, input.name, value, principal) };
}

/** Takes a principal's own value back; the account's, else the built-in one holds again. */
export const deleteAccountSetting: Operation<"DeleteAccountSetting"> = async (context, input, { principal }) => {
  const owner = input.principalArn ?? principal.arn;
  checkPrincipal(context, owner);
  const key = `${owner}|${input.name}`;
  const before = await context.store.transact("DeleteAccountSetting", (tx) => {
    const found = tx.accountSettings.get(key);
    if (found !== undefined) tx.accountSettings.delete(key);
    return found;
  });
  const value = before?.value ?? effectiveValue(context.store.view, input.name, owner);
  return { setting: shown(context, input.name, value, owner) };
};

export const listAccountSettings: Operation<"ListAccountSettings"> = (context, input, { principal }) => {
  const { name, value, effectiveSettings = false } = input;
  if (value !== undefined && name === undefined) {
    throw invalidParameter("A value can be given only with the name of a setting.");
  }
  const owner = input.principalArn ?? principal.arn;
  checkPrincipal(context, owner);
  const { view } = context.store;
  const all = effectiveSettings
    ? allNames().map((of) => shown(context, of, effectiveValue(view, of, owner), owner))
    : [...view.accountSettings.all()]
        .filter((s) => s.principal === owner)
        .map((s) => shown(context, s.name as SettingName, s.value, owner));
  const wanted = all.filter(
    (s) => (!name || s.name === name) && (value === undefined || s.value === settingValue(value)),
  );
  const filters = { name, value, effectiveSettings, owner };
  const { items, nextToken } = page(context, wanted, (s) => s.name ?? "", input, PAGE, filters);
  return { settings: items, nextToken };
};

function allNames(): SettingName[] {
  return [...(Object.keys(SETTINGS) as SettingName[]), "guardDutyActivate"];
}

/** The principal's own value, else the account's, else the built-in one. */
export function effectiveValue(
  tables: Pick<BerthView, "accountSettings">,
  name: SettingName,
  principal: string,
): string {
  const put = tables.accountSettings.get(`${principal}|${name}`) ?? tables.accountSettings.get(`${ACCOUNT}|${name}`);
  return put?.value ?? (name === "guardDutyActivate" ? "off" : SETTINGS[name].builtIn);
}

function shown({ scope }: ApiContext, name: SettingName, value: string, principal: string): Setting {
  const principalArn = principal === ACCOUNT ? `arn:${scope.partition}:iam::${scope.accountId}:root` : principal;
  return { name, value, principalArn, type: name === "guardDutyActivate" ? "aws_managed" : "user" };
}

/** Throws InvalidParameterException for what cannot be a principal of this account. */
function checkPrincipal({ scope }: ApiContext, principal: string): void {
  if (principal === ACCOUNT || principal.startsWith(`arn:${scope.partition}:iam::${scope.accountId}:`)) return;
  throw invalidParameter("The principalArn must be the ARN of a user, a role or the root of this account.");
}
