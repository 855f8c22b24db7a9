import type { SubnetMapping } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { RefusedRow, RefusedRows } from "./refuse.ts";

/** What CreateLoadBalancer, SetSubnets and SetIpAddressType have in common. */
interface NetworkWish {
  readonly IpAddressType?: string;
  readonly EnablePrefixForIpv6SourceNat?: string;
  readonly SubnetMappings?: readonly SubnetMapping[];
}

const ONE_ADDRESS = "Load balancers listen at the address that the server was told.";

const IPV4_ONLY: RefusedRow<{ readonly IpAddressType?: string }> = {
  member: "IpAddressType",
  what: "other than ipv4",
  when: ({ IpAddressType: type }) => type !== undefined && type !== "ipv4",
};

const NETWORK: readonly RefusedRow<NetworkWish>[] = [
  IPV4_ONLY,
  { member: "EnablePrefixForIpv6SourceNat", what: "on", when: (i) => i.EnablePrefixForIpv6SourceNat === "on" },
  { member: "SubnetMappings[].AllocationId", hint: ONE_ADDRESS },
  { member: "SubnetMappings[].PrivateIPv4Address", hint: ONE_ADDRESS },
  { member: "SubnetMappings[].IPv6Address", hint: ONE_ADDRESS },
  { member: "SubnetMappings[].SourceNatIpv6Prefix" },
];

export const CREATE_LOAD_BALANCER_REFUSED: RefusedRows<"CreateLoadBalancer"> = [
  { member: "Type", what: "gateway", when: ({ Type: t }) => t === "gateway", hint: "Use 'application' or 'network'." },
  { member: "CustomerOwnedIpv4Pool" },
  { member: "IpamPools" },
  ...NETWORK,
];

export const SET_SUBNETS_REFUSED: RefusedRows<"SetSubnets"> = NETWORK;

export const SET_IP_ADDRESS_TYPE_REFUSED: RefusedRows<"SetIpAddressType"> = [IPV4_ONLY];

export const SET_SECURITY_GROUPS_REFUSED: RefusedRows<"SetSecurityGroups"> = [
  { member: "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic" },
];
