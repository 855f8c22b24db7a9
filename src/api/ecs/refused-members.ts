import type { EcsOperations } from "../../wire/models/ecs.ts";
import { PUT_ACCOUNT_SETTING_REFUSED } from "./account-settings.ts";
import { CLUSTER_UPDATE_REFUSED, CREATE_CLUSTER_REFUSED, UPDATE_CLUSTER_SETTINGS_REFUSED } from "./cluster-refusals.ts";
import type { RefusedMembers } from "./refuse.ts";

/** What each operation refuses of its input, as the operation itself uses it; what is not here, it carries out. */
export const ecsRefusedMembers: { readonly [K in keyof EcsOperations]?: RefusedMembers<K> } = {
  CreateCluster: CREATE_CLUSTER_REFUSED,
  PutAccountSetting: PUT_ACCOUNT_SETTING_REFUSED,
  PutAccountSettingDefault: PUT_ACCOUNT_SETTING_REFUSED,
  UpdateCluster: CLUSTER_UPDATE_REFUSED,
  UpdateClusterSettings: UPDATE_CLUSTER_SETTINGS_REFUSED,
};
