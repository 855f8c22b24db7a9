import type {
  AutoScalingGroupProviderUpdate,
  CreateCapacityProviderRequest,
  UpdateCapacityProviderRequest,
} from "@aws-sdk/client-ecs";
import type { RefusedMember } from "../../refused-member.ts";
import type { RefusedMembers } from "../refuse.ts";
import { isOfAws, PROVIDER_HINT } from "./strategy-input.ts";

type ProviderWish = Pick<
  UpdateCapacityProviderRequest,
  keyof UpdateCapacityProviderRequest & keyof CreateCapacityProviderRequest
> & { readonly autoScalingGroupProvider?: AutoScalingGroupProviderUpdate };

const OF_HOSTS = "A capacity provider is made of your own hosts: those whose agent has --host-group with its name.";
const BY_HAND = "Add hosts to the group with berth host add or berth agent, and drain them before they go.";

const COMMON: readonly RefusedMember<ProviderWish>[] = [
  { member: "managedInstancesProvider", hint: OF_HOSTS },
  { member: "cluster", hint: "It is for managed instances alone." },
  {
    member: "autoScalingGroupProvider.managedScaling.status",
    what: "other than DISABLED",
    when: ({ autoScalingGroupProvider: p }) =>
      p?.managedScaling !== undefined && p.managedScaling.status !== "DISABLED",
    hint: BY_HAND,
  },
  {
    member: "autoScalingGroupProvider.managedTerminationProtection",
    what: "ENABLED",
    when: ({ autoScalingGroupProvider: p }) => p?.managedTerminationProtection === "ENABLED",
    hint: BY_HAND,
  },
  {
    member: "autoScalingGroupProvider.managedDraining",
    what: "ENABLED",
    when: ({ autoScalingGroupProvider: p }) => p?.managedDraining === "ENABLED",
    hint: BY_HAND,
  },
];

export const CREATE_CAPACITY_PROVIDER_REFUSED: RefusedMembers<"CreateCapacityProvider"> = COMMON;
export const UPDATE_CAPACITY_PROVIDER_REFUSED: RefusedMembers<"UpdateCapacityProvider"> = COMMON;
export const DELETE_CAPACITY_PROVIDER_REFUSED: RefusedMembers<"DeleteCapacityProvider"> = [
  { member: "cluster", hint: "It is for managed instances alone." },
];

/** What a cluster can be given as providers, and as the strategy that is used when none is asked for. */
export const CLUSTER_PROVIDERS_REFUSED: readonly RefusedMember<{
  readonly capacityProviders?: readonly string[];
  readonly defaultCapacityProviderStrategy?: readonly { readonly capacityProvider?: string }[];
}>[] = [
  {
    member: "capacityProviders[]",
    what: "FARGATE and FARGATE_SPOT",
    when: ({ capacityProviders = [] }) => capacityProviders.some(isOfAws),
    hint: PROVIDER_HINT,
  },
  {
    member: "defaultCapacityProviderStrategy[].capacityProvider",
    what: "FARGATE and FARGATE_SPOT",
    when: ({ defaultCapacityProviderStrategy: s = [] }) => s.some((one) => isOfAws(one.capacityProvider ?? "")),
    hint: PROVIDER_HINT,
  },
];
