import type { SslPolicy as WirePolicy } from "@aws-sdk/client-elastic-load-balancing-v2";
import { SSL_POLICIES, type SslPolicy, sslPolicy } from "../../model/ssl-policy.ts";
import { policyNotFound } from "./listener-tls.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";

/** The policies that are carried out. Throws SSLPolicyNotFound for others asked for by name. */
export const describeSslPolicies: Operation<"DescribeSSLPolicies"> = (context, input) => {
  const { Names: names = [], LoadBalancerType: type } = input;
  const missing = names.filter((name) => sslPolicy(name) === undefined);
  if (missing.length > 0) throw policyNotFound(missing);
  const wanted = SSL_POLICIES.filter(({ name }) => names.length === 0 || names.includes(name));
  const all = type === "gateway" ? [] : wanted;
  const { items, nextMarker } = page(context, all, ({ name }) => name, input, { names, type: type ?? "" });
  return { SslPolicies: items.map(toWire), NextMarker: nextMarker };
};

function toWire({ name, protocols, ciphers }: SslPolicy): WirePolicy {
  return {
    Name: name,
    SslProtocols: [...protocols],
    Ciphers: ciphers.map((cipher, index) => ({ Name: cipher, Priority: index + 1 })),
    SupportedLoadBalancerTypes: ["application", "network"],
  };
}
