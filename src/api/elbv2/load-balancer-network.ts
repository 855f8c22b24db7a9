import type { AvailabilityZone } from "@aws-sdk/client-elastic-load-balancing-v2";
import { validationError } from "./errors.ts";
import { addressesOf } from "./load-balancer-addresses.ts";
import {
  SET_IP_ADDRESS_TYPE_REFUSED,
  SET_SECURITY_GROUPS_REFUSED,
  SET_SUBNETS_REFUSED,
} from "./load-balancer-refusals.ts";
import { loadBalancerOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { refuseMembers } from "./refuse.ts";

// Subnets and security groups are names that belong to a cloud: they are kept and shown, and change nothing here.

export const setSubnets: Operation<"SetSubnets"> = async ({ store }, input) => {
  refuseMembers(SET_SUBNETS_REFUSED, input);
  const subnets = subnetsOf(input.Subnets, input.SubnetMappings);
  if (subnets.length === 0) throw validationError("At least one subnet must be specified");
  const changed = await store.transact("SetSubnets", (tx) =>
    tx.loadBalancers.put({ ...loadBalancerOf(tx, input.LoadBalancerArn), subnets }),
  );
  return {
    AvailabilityZones: toWireZones(changed.subnets, addressesOf(store.view, changed)),
    IpAddressType: changed.ipAddressType,
  };
};

export const setSecurityGroups: Operation<"SetSecurityGroups"> = async ({ store }, input) => {
  refuseMembers(SET_SECURITY_GROUPS_REFUSED, input);
  const changed = await store.transact("SetSecurityGroups", (tx) =>
    tx.loadBalancers.put({
      ...loadBalancerOf(tx, input.LoadBalancerArn),
      securityGroups: [...(input.SecurityGroups ?? [])],
    }),
  );
  return { SecurityGroupIds: [...changed.securityGroups] };
};

export const setIpAddressType: Operation<"SetIpAddressType"> = ({ store }, input) => {
  refuseMembers(SET_IP_ADDRESS_TYPE_REFUSED, input);
  return { IpAddressType: loadBalancerOf(store.view, input.LoadBalancerArn).ipAddressType };
};

/** The subnets that a call names in either way. Throws ValidationError if it names them in both. */
export function subnetsOf(
  plain: readonly string[] | undefined,
  mappings: readonly { readonly SubnetId?: string }[] | undefined,
): string[] {
  if (plain !== undefined && mappings !== undefined) {
    throw validationError("Only one of Subnets and SubnetMappings can be specified");
  }
  return [...(plain ?? (mappings ?? []).map((m) => m.SubnetId ?? ""))];
}

/** Subnets are names here and balancers are in none: the first has the addresses of all, so that each is told once. */
export function toWireZones(subnets: readonly string[], addresses: readonly string[]): AvailabilityZone[] {
  return subnets.map((SubnetId, i) => ({
    SubnetId,
    LoadBalancerAddresses: i > 0 ? [] : addresses.map((IpAddress) => ({ IpAddress })),
  }));
}
