import type { Attribute } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import type { Resources } from "../model/resources.ts";
import type { PlacementRequest, RefusalReason } from "./request.ts";

/** An ACTIVE instance with what it has left while tasks are placed on it one after the other. */
export interface Candidate {
  readonly instance: ContainerInstanceRecord;
  cpu: number;
  memoryMiB: number;
  readonly ports: Set<number>;
  readonly portsUdp: Set<number>;
  /** Tasks of the same service or group here. */
  peers: number;
  /** Tasks of the request that were placed here. */
  placed: number;
}

/** The instance as a candidate for the request. */
export function candidateOf(instance: ContainerInstanceRecord, request: PlacementRequest): Candidate {
  const { registered, used } = instance;
  return {
    instance,
    cpu: registered.cpu - used.cpu,
    memoryMiB: registered.memoryMiB - used.memoryMiB,
    ports: new Set([...registered.ports, ...used.ports]),
    portsUdp: new Set([...registered.portsUdp, ...used.portsUdp]),
    peers: request.peers.get(instance.arn) ?? 0,
    placed: 0,
  };
}

/** Takes what the task needs from the candidate. */
export function occupy(candidate: Candidate, need: Resources): void {
  candidate.cpu -= need.cpu;
  candidate.memoryMiB -= need.memoryMiB;
  for (const port of need.ports) candidate.ports.add(port);
  for (const port of need.portsUdp) candidate.portsUdp.add(port);
  candidate.peers++;
  candidate.placed++;
}

/** The checks in ECS's order; the first that fails names the reason. */
export const CHECKS: readonly { readonly reason: RefusalReason; readonly passes: Check }[] = [
  { reason: "AGENT", passes: ({ instance }) => instance.agentConnected },
  { reason: "RESOURCE:CPU", passes: (c, { need }) => need.cpu <= c.cpu },
  { reason: "RESOURCE:MEMORY", passes: (c, { need }) => need.memoryMiB <= c.memoryMiB },
  {
    reason: "RESOURCE:PORTS",
    passes: (c, { need }) =>
      need.ports.every((port) => !c.ports.has(port)) && need.portsUdp.every((port) => !c.portsUdp.has(port)),
  },
  { reason: "ATTRIBUTE", passes: (c, { requiredAttributes }) => requiredAttributes.every((a) => has(c, a)) },
];

export type Check = (candidate: Candidate, request: PlacementRequest) => boolean;

function has({ instance }: Candidate, required: Attribute): boolean {
  const value = attributeValue(instance, required.name ?? "");
  return value !== undefined && (required.value === undefined || required.value === "" || required.value === value);
}
