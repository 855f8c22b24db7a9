import type { AccessRecord } from "./access-record.ts";
import type { TrafficSample } from "./metering/traffic-sample.ts";
import type { BalancerState, TargetReport } from "./state.ts";

/** How the balancer itself is doing. */
export interface BalancerStatus {
  /** The worker that takes new connections; undefined while there is none. */
  readonly pid?: number;
  /** HAProxy's version. */
  readonly version: string;
  /** Counts configurations: one more with every start and reload. It goes on counting when an HAProxy is adopted. */
  readonly generation: number;
  /** Listeners that could not be opened, and why. They are tried again every few seconds. */
  readonly failedListeners: readonly { readonly listenerId: string; readonly error: string }[];
  /** What last went wrong, until it goes right. */
  readonly lastError?: string;
}

/** A load balancer over HAProxy. */
export interface Balancer {
  /** Has HAProxy become `state`. Newest wins. Throws BalancerStateError, changing nothing, if it cannot be carried out. */
  apply(state: BalancerState): void;
  /** Calls `listener` with every report that differs from the one before it. Returns what stops that. */
  onReport(listener: (changed: readonly TargetReport[]) => void): () => void;
  /**
   * Calls `listener` about once a second with what happened since the call before, with several thousand targets more rarely. Returns
   * what stops that. What HAProxy counts while no process has started this balancer is never told.
   */
  onTraffic(listener: (sample: TrafficSample) => void): () => void;
  /**
   * Calls `listener` with the requests to listeners that have an access log, within about a second after each is over. Returns what stops that.
   * Requests that nobody hears of in time are lost: HAProxy does not wait.
   */
  onAccess(listener: (records: readonly AccessRecord[]) => void): () => void;
  /** The newest report of every target that is wanted. */
  reports(): readonly TargetReport[];
  /**
   * Resolves when HAProxy has the newest applied state: listeners open (or in `failedListeners`), targets added, draining or
   * out of rotation. Not when targets are healthy. Rejects if HAProxy cannot be started or refuses it.
   */
  settled(): Promise<void>;
  /** Why a listener on this address and port could not be opened now, or undefined if it could. */
  checkBind(address: string, port: number): Promise<string | undefined>;
  status(): BalancerStatus;
  /**
   * Ends HAProxy, giving requests under way `graceMs` (default 5000) to finish; or, with `keepRunning`, leaves it balancing
   * for the next startBalancer on the same directory to adopt.
   */
  stop(options?: { readonly keepRunning?: boolean; readonly graceMs?: number }): Promise<void>;
}
