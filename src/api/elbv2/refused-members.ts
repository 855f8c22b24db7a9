import type { ElbV2Operations } from "../../wire/models/elbv2.ts";
import {
  MODIFY_LISTENER_ATTRIBUTES_REFUSED,
  MODIFY_LOAD_BALANCER_ATTRIBUTES_REFUSED,
  MODIFY_TARGET_GROUP_ATTRIBUTES_REFUSED,
} from "./attributes.ts";
import { CREATE_LISTENER_REFUSED, MODIFY_LISTENER_REFUSED } from "./listener-refusals.ts";
import {
  CREATE_LOAD_BALANCER_REFUSED,
  SET_IP_ADDRESS_TYPE_REFUSED,
  SET_SECURITY_GROUPS_REFUSED,
  SET_SUBNETS_REFUSED,
} from "./load-balancer-refusals.ts";
import type { RefusedRows } from "./refuse.ts";
import { CREATE_RULE_REFUSED, MODIFY_RULE_REFUSED } from "./rule-refusals.ts";
import {
  CREATE_TARGET_GROUP_REFUSED,
  DESCRIBE_TARGET_HEALTH_REFUSED,
  MODIFY_TARGET_GROUP_REFUSED,
} from "./target-group-refusals.ts";

/** What each operation refuses of its input, as the operation itself uses it; what is not here, it carries out. */
export const elbV2RefusedMembers: { readonly [K in keyof ElbV2Operations]?: RefusedRows<K> } = {
  CreateListener: CREATE_LISTENER_REFUSED,
  CreateLoadBalancer: CREATE_LOAD_BALANCER_REFUSED,
  CreateRule: CREATE_RULE_REFUSED,
  CreateTargetGroup: CREATE_TARGET_GROUP_REFUSED,
  DescribeTargetHealth: DESCRIBE_TARGET_HEALTH_REFUSED,
  ModifyListener: MODIFY_LISTENER_REFUSED,
  ModifyListenerAttributes: MODIFY_LISTENER_ATTRIBUTES_REFUSED,
  ModifyLoadBalancerAttributes: MODIFY_LOAD_BALANCER_ATTRIBUTES_REFUSED,
  ModifyRule: MODIFY_RULE_REFUSED,
  ModifyTargetGroup: MODIFY_TARGET_GROUP_REFUSED,
  ModifyTargetGroupAttributes: MODIFY_TARGET_GROUP_ATTRIBUTES_REFUSED,
  SetIpAddressType: SET_IP_ADDRESS_TYPE_REFUSED,
  SetSecurityGroups: SET_SECURITY_GROUPS_REFUSED,
  SetSubnets: SET_SUBNETS_REFUSED,
};
