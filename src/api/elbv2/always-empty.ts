import { ElbError } from "./errors.ts";
import { listenerOf, loadBalancerOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";

// What tools read around every load balancer, and what none has here: capacity reserved ahead, and TLS.

export const describeCapacityReservation: Operation<"DescribeCapacityReservation"> = ({ store }, input) => {
  loadBalancerOf(store.view, input.LoadBalancerArn);
  return { CapacityReservationState: [] };
};

export const describeListenerCertificates: Operation<"DescribeListenerCertificates"> = ({ store }, input) => {
  listenerOf(store.view, input.ListenerArn);
  return { Certificates: [] };
};

/** No policy can be given to a listener here, so there is none. Throws SSLPolicyNotFound for one asked for by name. */
export const describeSslPolicies: Operation<"DescribeSSLPolicies"> = (_context, { Names: names = [] }) => {
  if (names.length > 0) throw new ElbError("SSLPolicyNotFoundException", `SSL policies '[${names}]' not found`);
  return { SslPolicies: [] };
};
