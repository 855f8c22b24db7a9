import type { ClusterSetting } from "@aws-sdk/client-ecs";
import type { RefusedMember } from "../../refused-member.ts";
import { CLUSTER_PROVIDERS_REFUSED } from "../capacity-providers/refusals.ts";
import type { RefusedMembers } from "../refuse.ts";

type WithSettings = { readonly settings?: readonly ClusterSetting[] };

const NO_INSIGHTS: RefusedMember<WithSettings> = {
  member: "settings",
  what: "containerInsights enabled and enhanced",
  when: ({ settings = [] }) =>
    settings.some((s) => s.name === "containerInsights" && (s.value === "enabled" || s.value === "enhanced")),
};

export const CREATE_CLUSTER_REFUSED: RefusedMembers<"CreateCluster"> = [
  ...CLUSTER_PROVIDERS_REFUSED,
  { member: "configuration" },
  { member: "serviceConnectDefaults" },
  NO_INSIGHTS,
];

export const CLUSTER_UPDATE_REFUSED: RefusedMembers<"UpdateCluster"> = [
  { member: "configuration" },
  { member: "serviceConnectDefaults" },
  NO_INSIGHTS,
];

export const UPDATE_CLUSTER_SETTINGS_REFUSED: RefusedMembers<"UpdateClusterSettings"> = [NO_INSIGHTS];
