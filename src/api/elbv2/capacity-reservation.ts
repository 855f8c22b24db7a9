import { loadBalancerOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";

/** Capacity reserved ahead: tools read it around every load balancer, and none has it here. */
export const describeCapacityReservation: Operation<"DescribeCapacityReservation"> = ({ store }, input) => {
  loadBalancerOf(store.view, input.LoadBalancerArn);
  return { CapacityReservationState: [] };
};
