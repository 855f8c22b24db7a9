import type { BalancerRecord } from "../model/balancer.ts";
import type { Instant } from "../runtime/clock.ts";
import type { BerthTransaction } from "../store/index.ts";

/** A balancer is there: it is known from now on, and to be waited for. Changes nothing for one that is recorded so already. */
export function recordBalancer(
  tx: BerthTransaction,
  { name, address }: Pick<BalancerRecord, "name" | "address">,
  now: Instant,
): BalancerRecord {
  const known = tx.balancers.get(name);
  if (known?.connected === true && known.address === address) return known;
  const registeredAt = known?.registeredAt ?? now;
  const connectedChangedAt = known?.connected === true ? known.connectedChangedAt : now;
  return tx.balancers.put({ name, address, registeredAt, connected: true, connectedChangedAt });
}

/** A balancer is not there any more. Nothing for one that is not known. */
export function recordBalancerLeft(tx: BerthTransaction, name: string, now: Instant): void {
  const known = tx.balancers.get(name);
  if (known?.connected === true) tx.balancers.put({ ...known, connected: false, connectedChangedAt: now });
}
