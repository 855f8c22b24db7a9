import { hostName } from "../model/container-instance.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { type FailedCheck, failedChecks, reasonOf } from "./checks.ts";
import { DISCONNECTED, type Fleet, NOT_ACTIVE } from "./fleet.ts";
import { Headroom } from "./headroom.ts";
import type { PlacementRequest, Refusal } from "./request.ts";

/** What would have to change for the task to fit on an instance. */
export interface Fix {
  readonly arn: ContainerInstanceArn;
  /** What a person calls the instance. */
  readonly host: string;
  /** What the tasks there would have to give back. Ports as `80/tcp`. */
  readonly free: {
    readonly cpu: number;
    readonly memoryMiB: number;
    readonly gpus: number;
    readonly ports: readonly string[];
  };
  /** What the task would have to do without: `attribute:<name>` for a required attribute, else the failing part of a constraint. */
  readonly without: readonly string[];
  /** True if the instance's agent would have to connect. */
  readonly connect: boolean;
}

/** Why an instance cannot take the task; it can if `failed` is empty. */
export interface InstanceExplanation {
  readonly arn: ContainerInstanceArn;
  /** What a person calls it. */
  readonly host: string;
  /** Every check that it fails, in ECS's order. */
  readonly failed: readonly FailedCheck[];
  /** Undefined if it can take the task, or if nothing could make it: it is too small, or the host keeps a port for itself. */
  readonly fix?: Fix;
}

/** Where a task could go, and why not elsewhere. */
export interface PlacementExplanation {
  /** The name of the capacity provider whose instances alone are asked, if there is one. */
  readonly capacityProvider?: string;
  /** Every ACTIVE instance, by ARN. */
  readonly instances: readonly InstanceExplanation[];
  /** Instances that take no tasks because they are DRAINING, by ARN. */
  readonly draining: readonly ContainerInstanceArn[];
  /** The one that failed last in the order of the checks; undefined if an instance can take the task or none is ACTIVE. */
  readonly closest?: Refusal;
  /**
   * The least changes after which the task would fit somewhere, if it does not fit now: at most one that only gives back what tasks hold, one
   * that only does without requirements and one that only connects an agent; or, if there is none of these, one that mixes them.
   */
  readonly fixes: readonly Fix[];
}

/** Explains where a task of the request could be placed. Rule: [PL13]. */
export function explainPlacement(request: PlacementRequest, fleet: Fleet): PlacementExplanation {
  return explainRoom(new Headroom(request, fleet));
}

export function explainRoom(room: Headroom): PlacementExplanation {
  const instances: InstanceExplanation[] = [];
  const draining: ContainerInstanceArn[] = [];
  for (const slot of room.fleet.slots) {
    const place = room.place(slot);
    if (place === undefined) continue;
    const { arn } = place.instance;
    if (room.fleet.states[slot] === NOT_ACTIVE && room.isOfProvider(slot)) draining.push(arn);
    if (!room.isCandidate(slot)) continue;
    const failed = failedChecks(room.request, room.constraints, place);
    const host = hostName(place.instance);
    instances.push({ arn, host, failed, fix: fixOf({ arn, host }, failed) });
  }
  instances.sort((a, b) => (a.arn < b.arn ? -1 : 1));
  const fits = instances.some((one) => one.failed.length === 0);
  const provider = room.request.capacityProvider;
  return {
    ...(provider === undefined ? {} : { capacityProvider: provider.name }),
    instances,
    draining: draining.sort(),
    closest: fits ? undefined : closestOf(room),
    fixes: fits ? [] : nearestFixes(instances, room),
  };
}

/** In the order of the checks: what an instance that failed there first passed before it. */
const ORDER: Readonly<Record<FailedCheck["kind"], number>> = {
  agent: 0,
  cpu: 1,
  memory: 2,
  port: 3,
  gpu: 4,
  attribute: 5,
  distinctInstance: 6,
  memberOf: 6,
};

/** The instance whose first failed check is the last in their order; among equals the one with the lowest ARN: rule [PL4]. */
export function closestOf(room: Headroom): Refusal | undefined {
  const { states, slots } = room.fleet;
  const { need } = room.request;
  let closest: { readonly slot: number; readonly order: number; readonly check: FailedCheck | undefined } | undefined;
  const isCloser = (slot: number, order: number) =>
    closest === undefined || order > closest.order || (order === closest.order && arnAt(slot) < arnAt(closest.slot));
  const arnAt = (slot: number) => room.fleet.instance(slot)?.arn ?? "";
  for (const slot of slots) {
    if (!room.isCandidate(slot)) continue;
    // The first three need no explanation, and most instances fail there.
    let order = ORDER.port;
    if (states[slot] === DISCONNECTED) order = ORDER.agent;
    else if (need.cpu > (room.cpu[slot] ?? 0)) order = ORDER.cpu;
    else if (need.memoryMiB > (room.memoryMiB[slot] ?? 0)) order = ORDER.memory;
    if (order < ORDER.port && !isCloser(slot, order)) continue;
    const place = room.place(slot);
    const check = place === undefined ? undefined : failedChecks(room.request, room.constraints, place)[0];
    if (check !== undefined && isCloser(slot, ORDER[check.kind])) closest = { slot, order: ORDER[check.kind], check };
  }
  const instance = closest === undefined ? undefined : room.fleet.instance(closest.slot);
  if (closest?.check === undefined || instance === undefined) return undefined;
  return { arn: instance.arn, reason: reasonOf(closest.check) };
}

/** What would make all of these checks pass; undefined if nothing failed or one can never pass. */
function fixOf(of: Pick<Fix, "arn" | "host">, failed: readonly FailedCheck[]): Fix | undefined {
  if (failed.length === 0) return undefined;
  const ports: string[] = [];
  const without: string[] = [];
  const short = { cpu: 0, memory: 0, gpu: 0 };
  let connect = false;
  for (const check of failed) {
    switch (check.kind) {
      case "agent":
        connect = true;
        break;
      case "cpu":
      case "memory":
      case "gpu":
        if (check.needed > check.registered) return undefined;
        short[check.kind] = check.needed - check.left;
        break;
      case "port":
        if (check.holder.by === "host") return undefined;
        ports.push(`${check.port}/${check.protocol}`);
        break;
      case "attribute":
        without.push(`attribute:${check.name}${check.required === undefined ? "" : ` == ${check.required}`}`);
        break;
      case "distinctInstance":
        without.push("distinctInstance");
        break;
      case "memberOf":
        without.push(...check.unsatisfied);
        break;
    }
  }
  return { ...of, free: { cpu: short.cpu, memoryMiB: short.memory, gpus: short.gpu, ports }, without, connect };
}

function nearestFixes(instances: readonly InstanceExplanation[], room: Headroom): readonly Fix[] {
  const all = instances.flatMap(({ fix }) => (fix === undefined ? [] : [fix]));
  const share = shareOf(room);
  const least = (some: readonly Fix[]): readonly Fix[] => {
    const [first, ...others] = some;
    if (first === undefined) return [];
    return [
      others.reduce(
        (best, fix) => ((changesOf(fix) - changesOf(best) || share(fix) - share(best)) < 0 ? fix : best),
        first,
      ),
    ];
  };
  const pure = [
    ...least(all.filter((fix) => fix.without.length === 0 && !fix.connect)),
    ...least(all.filter((fix) => !frees(fix) && !fix.connect)),
    ...least(all.filter((fix) => !frees(fix) && fix.without.length === 0)),
  ];
  return pure.length > 0 ? pure : least(all);
}

function frees({ free }: Fix): boolean {
  return free.cpu > 0 || free.memoryMiB > 0 || free.gpus > 0 || free.ports.length > 0;
}

function changesOf({ free, without, connect }: Fix): number {
  const amounts = [free.cpu, free.memoryMiB, free.gpus].filter((amount) => amount > 0);
  return without.length + free.ports.length + amounts.length + (connect ? 1 : 0);
}

/** How much of its instance a fix would have to free: the parts of CPU and memory, added up. */
function shareOf({ fleet }: Headroom): (fix: Fix) => number {
  return ({ arn, free }) => {
    const slot = fleet.slotOf(arn);
    const registered = slot === undefined ? undefined : fleet.instance(slot)?.registered;
    if (registered === undefined) return 0;
    return free.cpu / Math.max(1, registered.cpu) + free.memoryMiB / Math.max(1, registered.memoryMiB);
  };
}
