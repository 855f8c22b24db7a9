import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import {
  describeCheck,
  describeFix,
  type FailedCheck,
  type Fleet,
  type InstanceExplanation,
  type PlacementExplanation,
  type PlacementRequest,
  Placer,
} from "../scheduler/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { InstanceFit } from "./explanation.ts";
import { counted, countedAre, listed } from "./words.ts";

/** Where copies of a task would go now, and why the rest goes nowhere. */
export interface Places {
  readonly hosts: readonly ContainerInstanceRecord[];
  readonly refusal?: {
    readonly text: string;
    readonly fixes: readonly string[];
    readonly instances: readonly InstanceFit[];
  };
}

/** So many instances, the nearest to a fit, say what they lack. */
const MAX_INSTANCES_TOLD = 100;

/** Chance decides nothing that is told. */
const NO_CHANCE = { next: () => 0 };

/** Places `count` tasks; with `on`, each on its own instance, as a DAEMON service does. */
export function findPlaces(
  request: PlacementRequest,
  fleet: Fleet,
  { count, on }: { readonly count: number; readonly on?: readonly ContainerInstanceArn[] },
): Places {
  const all = new Placer(request, fleet, NO_CHANCE);
  const hosts: ContainerInstanceRecord[] = [];
  const refused: PlacementExplanation[] = [];
  for (let i = 0; i < count; i++) {
    const own = on?.[i];
    const placer = own === undefined ? all : new Placer(request, fleet.only(own), NO_CHANCE);
    const placement = placer.place();
    if (placement.kind === "placed") hosts.push(placement.instance);
    else refused.push(placer.explain());
    if (placement.kind === "refused" && on === undefined) break;
  }
  const left = count - hosts.length;
  if (left === 0) return { hosts };
  return {
    hosts,
    refusal: {
      text: on === undefined ? nowhereText(left, refused[0]) : notThereText(left),
      fixes: refused.flatMap(({ fixes }) => fixes).map((fix) => `a task ${describeFix(fix)}`),
      instances: refused
        .flatMap(({ instances }) => instances.toSorted(byNearness))
        .slice(0, MAX_INSTANCES_TOLD)
        .map(fitOf),
    },
  };
}

/** What instances lack, as a verb of one and of several. */
const LACKS: Readonly<Record<FailedCheck["kind"], readonly [one: string, several: string]>> = {
  agent: ["is not connected", "are not connected"],
  cpu: ["lacks CPU", "lack CPU"],
  memory: ["lacks memory", "lack memory"],
  port: ["has a port in use", "have a port in use"],
  gpu: ["lacks GPUs", "lack GPUs"],
  attribute: ["lacks an attribute", "lack an attribute"],
  distinctInstance: ["has one already", "have one already"],
  memberOf: ["does not meet a constraint", "do not meet a constraint"],
};

/** `2 tasks fit on no host (of 3, 2 lack memory and 1 lacks CPU)`. An instance that lacks several things counts for each. */
function nowhereText(tasks: number, why: PlacementExplanation | undefined): string {
  const { instances = [], draining = [] } = why ?? {};
  const text = `${counted(tasks, "task")} ${tasks === 1 ? "fits" : "fit"} on no host`;
  if (instances.length === 0) {
    const provider = why?.capacityProvider;
    const whose = provider === undefined ? "" : ` of capacity provider ${provider}`;
    return `${text}${whose} (${draining.length === 0 ? "there is none" : `${countedAre(draining.length, "host")} DRAINING, and there is no other`})`;
  }
  const counts = new Map<FailedCheck["kind"], number>();
  for (const { failed } of instances) {
    for (const kind of new Set(failed.map((check) => check.kind))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const causes = [...counts].toSorted((a, b) => b[1] - a[1]);
  return `${text} (of ${instances.length}${why?.capacityProvider === undefined ? "" : ` of capacity provider ${why.capacityProvider}`}, ${listed(causes.map(([kind, n]) => `${n} ${LACKS[kind][n === 1 ? 0 : 1]}`))})`;
}

function notThereText(tasks: number): string {
  return tasks === 1
    ? "1 task does not fit on the host that is to have it"
    : `${tasks} tasks do not fit on the hosts that are to have them`;
}

function fitOf({ arn, host, failed }: InstanceExplanation): InstanceFit {
  return { containerInstanceArn: arn, host, fits: failed.length === 0, lacks: failed.map(describeCheck) };
}

/** First those that something could make fit, then those that lack the least. */
function byNearness(a: InstanceExplanation, b: InstanceExplanation): number {
  const never = ({ failed, fix }: InstanceExplanation) => (failed.length > 0 && fix === undefined ? 1 : 0);
  return never(a) - never(b) || a.failed.length - b.failed.length;
}
