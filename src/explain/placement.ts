import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { type PlacementRequest, Placer, placeTask } from "../scheduler/index.ts";
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
  instances: readonly ContainerInstanceRecord[],
  { count, on }: { readonly count: number; readonly on?: readonly ContainerInstanceArn[] },
): Places {
  const placer = new Placer(request, instances, NO_CHANCE);
  const hosts: ContainerInstanceRecord[] = [];
  for (let i = 0; i < count; i++) {
    const own = on === undefined ? undefined : instances.filter((one) => one.arn === on[i]);
    const placement = own === undefined ? placer.place() : placeTask(request, own, NO_CHANCE);
    if (placement.kind === "placed") hosts.push(placement.instance);
    else if (on === undefined) break;
  }
  const left = count - hosts.length;
  if (left === 0) return { hosts };
  const where = on === undefined ? "on no host" : "not on the hosts that are to have one";
  return {
    hosts,
    refusal: { text: `${counted(left, "task")} ${left === 1 ? "fits" : "fit"} ${where}`, fixes: [], instances: [] },
  };
}
