import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Fleet } from "./fleet.ts";
import { Headroom } from "./headroom.ts";
import { DEFAULT_SERVICE_STRATEGY, type PlacementRequest } from "./request.ts";

/** How many more tasks of the request an instance of the fleet could take by itself. Infinity for tasks that need nothing. */
export function roomFor(request: PlacementRequest, fleet: Fleet): (instance: ContainerInstanceRecord) => number {
  const room = new Headroom(request, fleet);
  const { need } = request;
  const isOnlyOne =
    need.ports.length + need.portsUdp.length > 0 || request.constraints.some((c) => c.type === "distinctInstance");
  return ({ arn }) => {
    const slot = fleet.slotOf(arn);
    if (slot === undefined || !room.fits(slot)) return 0;
    if (isOnlyOne) return 1;
    const copies = (left: number, each: number) => (each <= 0 ? Number.POSITIVE_INFINITY : Math.floor(left / each));
    const { cpu, memoryMiB, gpus } = room.left(slot);
    return Math.min(copies(cpu, need.cpu), copies(memoryMiB, need.memoryMiB), copies(gpus, need.gpuCount ?? 0));
  };
}

/** The fields that a service's tasks are spread over before anything else counts, the weightiest first. */
export function spreadFields(strategy: readonly PlacementStrategy[]): readonly string[] {
  const used = strategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : strategy;
  const end = used.findIndex((one) => one.type !== "spread");
  return (end < 0 ? used : used.slice(0, end)).map((one) => one.field ?? "");
}
