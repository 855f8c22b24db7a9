import { frontendName } from "../configuration/names.ts";
import { socketAddress } from "../configuration/server-options.ts";
import type { BalancerState, ListenerState } from "../state.ts";

/** How long a listener that could not be opened is left out before it is tried again. */
const RETRY_MS = 2000;

/**
 * Decides which listeners go into the configuration. One bind that fails would keep HAProxy from taking the whole, so each
 * new one is tried first, and one that HAProxy could not open is left out for a while.
 */
export class Listeners {
  readonly #probe: (address: string, port: number) => Promise<string | undefined>;
  readonly #failed = new Map<string, { socket: string; error: string; retryAtMs: number }>();

  constructor(probe: (address: string, port: number) => Promise<string | undefined>) {
    this.#probe = probe;
  }

  get failed(): { listenerId: string; error: string }[] {
    return [...this.#failed].map(([listenerId, { error }]) => ({ listenerId, error }));
  }

  /** `state`, itself or with those listeners only that can be opened. `bound`: the sockets that our HAProxy holds, which need no trying. */
  async openable(state: BalancerState, bound: ReadonlySet<string>, nowMs: number): Promise<BalancerState> {
    const wanted = new Set(state.listeners.map(({ id }) => id));
    for (const id of this.#failed.keys()) if (!wanted.has(id)) this.#failed.delete(id);
    const listeners: ListenerState[] = [];
    for (const listener of state.listeners) if (await this.#canOpen(listener, bound, nowMs)) listeners.push(listener);
    return listeners.length === state.listeners.length ? state : { ...state, listeners };
  }

  /** Leaves out the listeners that HAProxy could not open. Whether any of `state`'s was among them. */
  refuse(state: BalancerState, binds: ReadonlyMap<string, string>, nowMs: number): boolean {
    let any = false;
    for (const listener of state.listeners) {
      const error = binds.get(frontendName(listener.id));
      if (error === undefined) continue;
      this.#fail(listener, error, nowMs);
      any = true;
    }
    return any;
  }

  #fail({ id, address, port }: ListenerState, error: string, nowMs: number): void {
    this.#failed.set(id, { socket: socketAddress(address, port), error, retryAtMs: nowMs + RETRY_MS });
  }

  async #canOpen(listener: ListenerState, bound: ReadonlySet<string>, nowMs: number): Promise<boolean> {
    const { id, address, port } = listener;
    const socket = socketAddress(address, port);
    if (!bound.has(socket)) {
      const failed = this.#failed.get(id);
      if (failed !== undefined && failed.socket === socket && nowMs < failed.retryAtMs) return false;
      const error = await this.#probe(address, port);
      if (error !== undefined) {
        this.#fail(listener, error, nowMs);
        return false;
      }
    }
    this.#failed.delete(id);
    return true;
  }
}
