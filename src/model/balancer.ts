import type { Instant } from "../runtime/clock.ts";

/** A balancer: a process that carries all load balancers on one host. The control plane's own is one of them. */
export interface BalancerRecord {
  /** Unique. */
  readonly name: string;
  /** Where clients reach it: an IPv4 address. */
  readonly address: string;
  readonly registeredAt: Instant;
  /** Whether its session was open when this was written: after a restart, whether it is to be waited for. */
  readonly connected: boolean;
  /** When that changed. */
  readonly connectedChangedAt: Instant;
}

/** How many balancers there may be. Each checks every target. */
export const MAX_BALANCERS = 32;
