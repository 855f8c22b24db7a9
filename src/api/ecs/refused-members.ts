import type { EcsOperations } from "../../wire/models/ecs.ts";
import { PUT_ACCOUNT_SETTING_REFUSED } from "./account-settings/account-settings.ts";
import {
  CLUSTER_PROVIDERS_REFUSED,
  CREATE_CAPACITY_PROVIDER_REFUSED,
  DELETE_CAPACITY_PROVIDER_REFUSED,
  UPDATE_CAPACITY_PROVIDER_REFUSED,
} from "./capacity-providers/refusals.ts";
import {
  CLUSTER_UPDATE_REFUSED,
  CREATE_CLUSTER_REFUSED,
  UPDATE_CLUSTER_SETTINGS_REFUSED,
} from "./clusters/refusals.ts";
import type { RefusedMembers } from "./refuse.ts";
import { CREATE_SERVICE_REFUSED, UPDATE_SERVICE_REFUSED } from "./services/refusals.ts";
import { STOP_SERVICE_DEPLOYMENT_REFUSED } from "./services/service-deployments.ts";
import { CREATE_TASK_SET_REFUSED } from "./services/task-sets.ts";
import { LIST_TASKS_REFUSED } from "./tasks/list.ts";
import { RUN_TASK_REFUSED, START_TASK_REFUSED } from "./tasks/refusals.ts";

/** What each operation refuses of its input, as the operation itself uses it; what is not here, it carries out. */
export const ecsRefusedMembers: { readonly [K in keyof EcsOperations]?: RefusedMembers<K> } = {
  CreateCapacityProvider: CREATE_CAPACITY_PROVIDER_REFUSED,
  CreateCluster: CREATE_CLUSTER_REFUSED,
  CreateService: CREATE_SERVICE_REFUSED,
  CreateTaskSet: CREATE_TASK_SET_REFUSED,
  DeleteCapacityProvider: DELETE_CAPACITY_PROVIDER_REFUSED,
  ListTasks: LIST_TASKS_REFUSED,
  PutAccountSetting: PUT_ACCOUNT_SETTING_REFUSED,
  PutAccountSettingDefault: PUT_ACCOUNT_SETTING_REFUSED,
  PutClusterCapacityProviders: CLUSTER_PROVIDERS_REFUSED,
  RunTask: RUN_TASK_REFUSED,
  StartTask: START_TASK_REFUSED,
  StopServiceDeployment: STOP_SERVICE_DEPLOYMENT_REFUSED,
  UpdateCapacityProvider: UPDATE_CAPACITY_PROVIDER_REFUSED,
  UpdateCluster: CLUSTER_UPDATE_REFUSED,
  UpdateClusterSettings: UPDATE_CLUSTER_SETTINGS_REFUSED,
  UpdateService: UPDATE_SERVICE_REFUSED,
};
