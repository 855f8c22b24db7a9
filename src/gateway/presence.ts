import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import type { BerthStore } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { SEQUENCE_BLOCK } from "./settings.ts";

/** What an agent says of itself when it connects, and where it connected from. */
export interface AgentFacts {
  readonly agentVersion?: string;
  readonly agentHash?: string;
  readonly dockerVersion?: string;
  readonly remoteAddress?: string;
}

/** The numbers from `first` to `last` are a session's own. */
export interface SequenceRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Records that an instance's agent is connected, and takes sequence numbers for its session. Answers undefined if the
 * instance is gone by now.
 */
export function recordConnected(
  store: BerthStore,
  arn: ContainerInstanceArn,
  facts: AgentFacts,
  now: number,
): Promise<SequenceRange | undefined> {
  return store.transact("agent connected", (tx) => {
    const before = tx.containerInstances.get(arn);
    if (before === undefined || before.status === "INACTIVE") return undefined;
    tx.containerInstances.put({
      ...before,
      agentConnected: true,
      connectivityChangedAt: before.agentConnected ? before.connectivityChangedAt : now,
      agentVersion: facts.agentVersion ?? before.agentVersion,
      agentHash: facts.agentHash ?? before.agentHash,
      dockerVersion: facts.dockerVersion ?? before.dockerVersion,
      address: before.address ?? facts.remoteAddress,
      sequence: before.sequence + SEQUENCE_BLOCK,
      version: before.version + 1,
    });
    return { first: before.sequence + 1, last: before.sequence + SEQUENCE_BLOCK };
  });
}

/** Records whether an instance's agent is connected. Changes nothing if that is what the record says. */
export function recordConnectivity(
  store: BerthStore,
  arn: ContainerInstanceArn,
  agentConnected: boolean,
  now: number,
): Promise<void> {
  return store.transact("agent connectivity", (tx) => {
    const before = tx.containerInstances.get(arn);
    if (before === undefined || before.status === "INACTIVE" || before.agentConnected === agentConnected) return;
    tx.containerInstances.put({
      ...before,
      agentConnected,
      connectivityChangedAt: now,
      version: before.version + 1,
    } satisfies ContainerInstanceRecord);
  });
}

/** Takes the next block of sequence numbers from the instance's record. */
export function reserveSequence(store: BerthStore, arn: ContainerInstanceArn): Promise<SequenceRange | undefined> {
  return store.transact("sequence numbers", (tx) => {
    const before = tx.containerInstances.get(arn);
    if (before === undefined) return undefined;
    tx.containerInstances.put({ ...before, sequence: before.sequence + SEQUENCE_BLOCK });
    return { first: before.sequence + 1, last: before.sequence + SEQUENCE_BLOCK };
  });
}
