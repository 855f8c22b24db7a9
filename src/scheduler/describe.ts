import { assertNever } from "../runtime/assert-never.ts";
import { type FailedCheck, reasonOf } from "./checks.ts";
import { noInstances } from "./explain.ts";
import type { Fix, InstanceExplanation, PlacementExplanation } from "./explanation.ts";

/** A failed check as half a sentence about the instance or the task: `needs 512 CPU units, 300 left of 1024`. */
export function describeCheck(check: FailedCheck): string {
  switch (check.kind) {
    case "agent":
      return "its agent is not connected";
    case "cpu":
      return `needs ${check.needed} CPU units, ${check.left} left of ${check.registered}`;
    case "memory":
      return `needs ${check.needed} MiB of memory, ${check.left} left of ${check.registered}`;
    case "gpu":
      return `needs ${check.needed} GPUs, ${check.left} left of ${check.registered}`;
    case "port":
      return `port ${check.port}/${check.protocol} is ${holderOf(check)}`;
    case "attribute":
      return describeAttribute(check);
    case "distinctInstance":
      return `${check.peers} of its group ${check.peers === 1 ? "is" : "are"} here already (distinctInstance)`;
    case "memberOf":
      return `does not satisfy ${check.unsatisfied.map(quoted).join(", ")}`;
    default:
      return assertNever(check, "failed check");
  }
}

function holderOf({ holder }: Extract<FailedCheck, { kind: "port" }>): string {
  switch (holder.by) {
    case "host":
      return "kept by the host";
    case "this":
      return "held by another task of the same call";
    case "task":
      return holder.taskArn === undefined ? "in use" : `held by task ${idOf(holder.taskArn)}`;
    default:
      return assertNever(holder, "port holder");
  }
}

function describeAttribute({ name, required, found }: Extract<FailedCheck, { kind: "attribute" }>): string {
  if (found === undefined)
    return `attribute ${name} is missing${required === undefined ? "" : ` (${required} is required)`}`;
  return `attribute ${name} is ${found === "" ? "without a value" : found}, not ${required}`;
}

/** Everything that an instance lacks, as one sentence with its nearest fix: what RunTask says in a failure's detail. */
export function describeInstance({ failed, fix }: InstanceExplanation): string {
  const [first = "", ...others] = failed.map(describeCheck);
  const lacks = [first.charAt(0).toUpperCase() + first.slice(1), ...others].join("; ");
  return fix === undefined ? `${lacks}.` : `${lacks}. Fits ${conditionOf(fix, "here")}.`;
}

/** A fix as half a sentence: `fits if 210 MiB are freed on host-2`, `fits without `attribute:arch == arm64` on host-1`. */
export function describeFix(fix: Fix): string {
  return `fits ${conditionOf(fix, `on ${fix.host}`)}`;
}

/** The nearest fixes as a sentence, `It fits if …, or without ….`; undefined if nothing short of other instances helps. */
export function describeFixes(fixes: readonly Fix[]): string | undefined {
  if (fixes.length === 0) return undefined;
  return `It fits ${fixes.map((fix) => conditionOf(fix, `on ${fix.host}`)).join(", or ")}.`;
}

/** `if 210 MiB are freed on <id> and its agent connects, without `attribute:arch == arm64``. */
function conditionOf({ free, without, connect }: Fix, where: string): string {
  const amounts = [
    ...(free.cpu > 0 ? [`${free.cpu} CPU units`] : []),
    ...(free.memoryMiB > 0 ? [`${free.memoryMiB} MiB`] : []),
    ...(free.gpus > 0 ? [`${free.gpus} GPU${free.gpus === 1 ? "" : "s"}`] : []),
    ...free.ports.map((port) => `port ${port}`),
  ];
  const isOne = amounts.length === 1 && (free.gpus === 1 || free.ports.length === 1);
  const ifs = [
    ...(amounts.length > 0 ? [`${listed(amounts)} ${isOne ? "is" : "are"} freed`] : []),
    ...(connect ? ["the agent connects"] : []),
  ];
  const condition = ifs.length === 0 ? "" : `if ${listed(ifs)} ${where}`;
  const waiver = without.length === 0 ? "" : `without ${listed(without.map(quoted))}`;
  if (condition === "") return `${waiver} ${where}`;
  return waiver === "" ? condition : `${condition}, ${waiver}`;
}

/** Where the task can go, or in one sentence why nowhere and what would help. */
export function describePlacement(explanation: PlacementExplanation): string {
  const { instances, draining, fixes } = explanation;
  const able = instances.filter((one) => one.failed.length === 0).length;
  if (able > 0) return `${able} of ${instances.length} container instances can take the task.`;
  if (instances.length === 0) {
    return draining.length === 0
      ? noInstances(explanation)
      : `All ${draining.length} container instances are DRAINING.`;
  }
  const counts = new Map<string, number>();
  for (const { failed } of instances) {
    for (const reason of new Set(failed.map(reasonOf))) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  const causes = [...counts].map(([reason, count]) => `${count} fail with ${reason.replace(/\.$/, "")}`).join(", ");
  const help = describeFixes(fixes);
  return `None of ${instances.length} container instances can take the task: ${causes}.${help === undefined ? "" : ` ${help}`}`;
}

function quoted(text: string): string {
  return `\`${text}\``;
}

function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

function idOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}
