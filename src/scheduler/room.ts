import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { CHECKS, candidateOf } from "./candidate.ts";
import { checkOf } from "./constraints.ts";
import { DEFAULT_SERVICE_STRATEGY, type PlacementRequest } from "./request.ts";

/** How many more tasks of the request an instance could take by itself. Infinity for tasks that need nothing. */
export function roomFor(request: PlacementRequest): (instance: ContainerInstanceRecord) => number {
  const checks = [...CHECKS, ...request.constraints.map(checkOf)];
  const { need } = request;
  const isOnlyOne =
    need.ports.length + need.portsUdp.length > 0 || request.constraints.some((c) => c.type === "distinctInstance");
  return (instance) => {
    if (instance.status !== "ACTIVE") return 0;
    const candidate = candidateOf(instance, request);
    if (!checks.every((check) => check.passes(candidate, request))) return 0;
    if (isOnlyOne) return 1;
    const copies = (left: number, each: number) => (each <= 0 ? Number.POSITIVE_INFINITY : Math.floor(left / each));
    return Math.min(copies(candidate.cpu, need.cpu), copies(candidate.memoryMiB, need.memoryMiB));
  };
}

/** The fields that a service's tasks are spread over before anything else counts, the weightiest first. */
export function spreadFields(strategy: readonly PlacementStrategy[]): readonly string[] {
  const used = strategy.length === 0 ? DEFAULT_SERVICE_STRATEGY : strategy;
  const end = used.findIndex((one) => one.type !== "spread");
  return (end < 0 ? used : used.slice(0, end)).map((one) => one.field ?? "");
}
