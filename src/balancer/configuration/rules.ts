import { createHash } from "node:crypto";
import type { ListenerAction } from "../listener-rules.ts";
import type { ListenerState } from "../state.ts";
import { backendName } from "./names.ts";
import { conditionLines } from "./patterns.ts";
import { quoteWord } from "./quote-word.ts";
import { RANGE, ruleKey, thresholdEntry, weightEntry, weightedForward } from "./weights.ts";

/** The backend of requests that a rule claims and no group may have: it has no server, so they get 503. */
export const NO_BACKEND = "none";

/** The cookie that keeps a client with its target group. The name is ELB's. */
const GROUP_COOKIE = "AWSALBTG";

/** A rule with what stands for it in the configuration. The default action is the last, without a condition. */
interface Row {
  readonly key: string;
  readonly action: ListenerAction;
  /** ACLs that must all be true, as words. */
  readonly when: readonly string[];
  readonly isDefault: boolean;
}

const ifAll = (when: readonly string[]) => (when.length === 0 ? "" : ` if ${when.join(" ")}`);

/** What a placeholder of a redirect stands for, as HAProxy's log format has it. */
function placeholders(listener: ListenerState): Readonly<Record<string, string>> {
  return {
    protocol: listener.tls === undefined ? "http" : "https",
    host: "%[req.hdr(host),host_only]",
    port: String(listener.port),
    path: "%[path,bytes(1)]",
    query: "%[query]",
  };
}

function redirectLines(listener: ListenerState, row: Row, action: Extract<ListenerAction, { type: "redirect" }>) {
  const values = placeholders(listener);
  const expand = (template: string) =>
    template.replaceAll("%", "%%").replaceAll(/#\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  const protocol = expand(action.protocol).toLowerCase();
  const base = `${protocol}://${expand(action.host)}:${expand(action.port)}${expand(action.path)}`;
  const line = (location: string, when: readonly string[]) =>
    `  http-request redirect location ${quoteWord(location)} code ${action.statusCode}${ifAll(when)}`;
  const query = action.query === "" ? "" : `?${expand(action.query)}`;
  const emptyIfNoQuery = action.query !== "" && action.query.replaceAll("#{query}", "") === "";
  if (!emptyIfNoQuery) return [line(base + query, row.when)];
  return [line(base + query, [...row.when, "{ query -m len gt 0 }"]), line(base, row.when)];
}

function fixedLine(row: Row, action: Extract<ListenerAction, { type: "fixed-response" }>): string {
  const body =
    action.body === undefined || action.body === ""
      ? ""
      : ` content-type ${quoteWord(action.contentType ?? "text/plain")} string ${quoteWord(action.body)}`;
  return `  http-request return status ${action.statusCode}${body}${ifAll(row.when)}`;
}

/** What is done with a row in the request phase, where the first rule that is true ends the evaluation. */
function requestLines(listener: ListenerState, row: Row): string[] {
  const { action } = row;
  const claim = `  http-request set-var(txn.rule) str(${row.key})${ifAll(row.when)}`;
  const noted = listener.accessLog ? [claim] : [];
  if (action.type === "redirect") return [...noted, ...redirectLines(listener, row, action)];
  if (action.type === "fixed-response") return [...noted, fixedLine(row, action)];
  return row.isDefault ? [claim] : [claim, "  http-request allow if { var(txn.rule) -m found }"];
}

/** The cookie's value for a group of a rule. It tells nothing of either. */
const groupToken = (key: string, groupId: string) =>
  createHash("sha256").update(`${key} ${groupId}`).digest("hex").slice(0, 32);

/** Chooses the backend of the requests of a forward. */
function backendLines(row: Row, when: readonly string[], mapFile: string, draw: string): string[] {
  const { action, key } = row;
  if (action.type !== "forward") return [];
  const use = (backend: string, ...more: string[]) => `  use_backend ${backend}${ifAll([...when, ...more])}`;
  const entry = (name: string) => quoteWord(`str(${name}),map_str_int(${mapFile},0)`).slice(1, -1);
  const lines: string[] = [];
  if (weightedForward(action) !== undefined) {
    for (const [index, { targetGroupId: id }] of action.targetGroups.entries()) {
      if (action.stickinessSeconds === undefined) continue;
      const cookie = `{ req.cook(${GROUP_COOKIE}) -m str ${groupToken(key, id)} }`;
      lines.push(use(backendName(id), cookie, `{ ${entry(weightEntry(key, index))} -m int gt 0 }`));
    }
    for (const [index, { targetGroupId: id }] of action.targetGroups.entries())
      lines.push(use(backendName(id), `{ ${entry(thresholdEntry(key, index))},sub(${draw}) -m int gt 0 }`));
    return row.isDefault ? lines : [...lines, use(NO_BACKEND)];
  }
  const [only] = action.targetGroups;
  const backend = only === undefined || only.weight === 0 ? NO_BACKEND : backendName(only.targetGroupId);
  return [row.isDefault ? `  default_backend ${backend}` : use(backend)];
}

function cookieLines(row: Row): string[] {
  const action = weightedForward(row.action);
  if (action?.stickinessSeconds === undefined) return [];
  return action.targetGroups.map(({ targetGroupId: id }) => {
    const value = `${GROUP_COOKIE}=${groupToken(row.key, id)}; Expires=%[date(${action.stickinessSeconds}),http_date]; Path=/`;
    return `  http-response add-header Set-Cookie ${quoteWord(value)} if { var(txn.rule) -m str ${row.key} } { be_name -m str ${backendName(id)} }`;
  });
}

/** Whether a row must be decided in the request phase: it answers itself, or its answer carries a cookie. */
const inRequestPhase = ({ action }: Row) =>
  action.type !== "forward" || weightedForward(action)?.stickinessSeconds !== undefined;

export interface RuleLines {
  /** Conditions, and what is decided in the request phase. */
  readonly request: readonly string[];
  /** The choice of a backend, and what is done with its answer. */
  readonly choice: readonly string[];
}

/**
 * The lines of an HTTP frontend that say what becomes of a request: its rules in order, then its default action.
 *
 * HAProxy evaluates all `http-request` rules before any `use_backend`. So rules up to the last one that answers by itself are
 * decided in the request phase, where a forward notes its key and ends the evaluation; those after it, and all where there are
 * only forwards, are `use_backend` rules with their conditions, which cost a request no more than one look at each.
 */
export function ruleLines(listener: ListenerState, mapFile: string): RuleLines {
  const request: string[] = [];
  const choice: string[] = [];
  const rows: Row[] = listener.rules.map((rule) => {
    const key = ruleKey(listener, rule);
    const when = rule.conditions.map((condition, index) => {
      const name = `${key}.${index}`;
      request.push(...conditionLines(name, condition));
      return name;
    });
    return { key, action: rule.action, when, isDefault: false };
  });
  rows.push({ key: ruleKey(listener, undefined), action: listener.defaultAction, when: [], isDefault: true });
  if (rows.some(({ action }) => weightedForward(action) !== undefined))
    request.push(`  http-request set-var(txn.draw) rand(${RANGE})`);
  // An access log tells which rule it was.
  const last = listener.accessLog ? rows.length - 1 : rows.findLastIndex(inRequestPhase);
  for (const row of rows.slice(0, last + 1)) request.push(...requestLines(listener, row));
  for (const [index, row] of rows.entries()) {
    const when = index > last || row.isDefault ? row.when : [`{ var(txn.rule) -m str ${row.key} }`];
    choice.push(...backendLines(row, when, mapFile, "txn.draw"));
  }
  return { request, choice: [...choice, ...rows.flatMap(cookieLines)] };
}

/** The same for a TCP frontend, which has a forward as its default action and nothing else. */
export function connectionLines(listener: ListenerState, mapFile: string): string[] {
  const action = listener.defaultAction;
  const row = { key: ruleKey(listener, undefined), action, when: [], isDefault: true };
  const lines = backendLines(row, [], mapFile, "sess.draw");
  if (weightedForward(action) !== undefined)
    return [`  tcp-request connection set-var(sess.draw) rand(${RANGE})`, ...lines];
  const refuse = action.type === "forward" && action.targetGroups.every(({ weight }) => weight === 0);
  return refuse ? ["  tcp-request connection reject"] : lines;
}
