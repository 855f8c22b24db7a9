import type { BalancerStatus } from "../balancer.ts";
import type { BalancerState, ListenerState } from "../state.ts";

/** A state as one host carries it. */
export interface CarriedState {
  readonly state: BalancerState;
  /** Listeners that this host cannot have beside its others. */
  readonly failed: BalancerStatus["failedListeners"];
}

/** `wanted` with every listener on the host's own address. There a port can be had once: the first by id has it. */
export function carriedState(wanted: BalancerState, address: string): CarriedState {
  const byPort = new Map<number, ListenerState>();
  const failed: { listenerId: string; error: string }[] = [];
  for (const listener of wanted.listeners) {
    const other = byPort.get(listener.port);
    if (other === undefined) byPort.set(listener.port, { ...listener, address });
    else failed.push({ listenerId: listener.id, error: `port ${listener.port} is taken here by listener ${other.id}` });
  }
  return { state: { ...wanted, listeners: [...byPort.values()] }, failed };
}
