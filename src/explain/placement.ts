import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import {
  describeCheck,
  describeFix,
  type Fleet,
  type InstanceExplanation,
  type PlacementExplanation,
  type PlacementRequest,
  Placer,
} from "../scheduler/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { InstanceFit } from "./explanation.ts";
import { counted } from "./words.ts";

/** Where copies of a task would go now, and why the rest goes nowhere. */
export interface Places {
  readonly hosts: readonly ContainerInstanceRecord[];
  readonly refusal?: {
    readonly text: string;
    readonly fixes: readonly string[];
    readonly instances: readonly InstanceFit[];
  };
}

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
  const where = on === undefined ? "on no host" : "not on the hosts that are to have one";
  return {
    hosts,
    refusal: {
      text: `${counted(left, "task")} ${left === 1 ? "fits" : "fit"} ${where}`,
      fixes: refused.flatMap(({ fixes }) => fixes).map((fix) => `a task ${describeFix(fix)}`),
      instances: refused.flatMap(({ instances }) => instances.toSorted(byNearness)).map(fitOf),
    },
  };
}

function fitOf({ arn, host, failed }: InstanceExplanation): InstanceFit {
  return { containerInstanceArn: arn, host, fits: failed.length === 0, lacks: failed.map(describeCheck) };
}

/** First those that something could make fit, then those that lack the least. */
function byNearness(a: InstanceExplanation, b: InstanceExplanation): number {
  const never = ({ failed, fix }: InstanceExplanation) => (failed.length > 0 && fix === undefined ? 1 : 0);
  return never(a) - never(b) || a.failed.length - b.failed.length;
}
