import { OWN_NAME } from "../../balancer/index.ts";
import type { LoadBalancerRecord } from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";

/**
 * Where clients reach a load balancer: the address of every balancer that is connected, and while none is, of every one
 * that is known; the server's own first. Its listeners there bind the load balancer's own address.
 */
export function addressesOf(tables: Pick<BerthView, "balancers">, loadBalancer: LoadBalancerRecord): readonly string[] {
  const known = [...tables.balancers.all()].sort((a, b) => order(a.name, b.name));
  const connected = known.filter((balancer) => balancer.connected);
  const carrying = connected.length > 0 ? connected : known;
  if (carrying.length === 0) return [loadBalancer.address];
  return [...new Set(carrying.map(({ name, address }) => (name === OWN_NAME ? loadBalancer.address : address)))];
}

function order(a: string, b: string): number {
  if (a === OWN_NAME || b === OWN_NAME) return a === OWN_NAME ? -1 : 1;
  return a < b ? -1 : 1;
}
