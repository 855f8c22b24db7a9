import type { EcsOperations } from "../../wire/models/ecs.ts";
import {
  deleteAccountSetting,
  listAccountSettings,
  putAccountSetting,
  putAccountSettingDefault,
} from "./account-settings.ts";
import { deleteAttributes, listAttributes, putAttributes } from "./attributes.ts";
import {
  createCluster,
  deleteCluster,
  describeClusters,
  listClusters,
  updateCluster,
  updateClusterSettings,
} from "./clusters.ts";
import {
  describeContainerInstances,
  listContainerInstances,
  updateContainerAgent,
  updateContainerInstancesState,
} from "./container-instances.ts";
import { deregisterContainerInstance } from "./container-instances-deregister.ts";
import { registerContainerInstance } from "./container-instances-register.ts";
import type { Operation } from "./operation.ts";
import { discoverPollEndpoint } from "./poll-endpoint.ts";
import { runTask } from "./run-task.ts";
import { startTask } from "./run-task-start.ts";
import { describeServices, listServices } from "./service-queries.ts";
import { createService, deleteService, updateService } from "./services.ts";
import { submitAttachmentStateChanges, submitContainerStateChange, submitTaskStateChange } from "./state-changes.ts";
import { listTagsForResource, tagResource, untagResource } from "./tag-resource.ts";
import { deleteTaskDefinitions } from "./task-definition-deletion.ts";
import { listTaskDefinitionFamilies, listTaskDefinitions } from "./task-definition-lists.ts";
import { deregisterTaskDefinition, describeTaskDefinition, registerTaskDefinition } from "./task-definitions.ts";
import { describeTasks, stopTask } from "./tasks.ts";
import { listTasks } from "./tasks-list.ts";

/** Every ECS operation that is carried out. */
export const ecsOperations: { readonly [K in keyof EcsOperations]?: Operation<K> } = {
  CreateCluster: createCluster,
  CreateService: createService,
  DeleteAccountSetting: deleteAccountSetting,
  DeleteAttributes: deleteAttributes,
  DeleteCluster: deleteCluster,
  DeleteService: deleteService,
  DeleteTaskDefinitions: deleteTaskDefinitions,
  DeregisterContainerInstance: deregisterContainerInstance,
  DeregisterTaskDefinition: deregisterTaskDefinition,
  DescribeClusters: describeClusters,
  DescribeContainerInstances: describeContainerInstances,
  DescribeServices: describeServices,
  DescribeTaskDefinition: describeTaskDefinition,
  DescribeTasks: describeTasks,
  DiscoverPollEndpoint: discoverPollEndpoint,
  ListAccountSettings: listAccountSettings,
  ListAttributes: listAttributes,
  ListClusters: listClusters,
  ListContainerInstances: listContainerInstances,
  ListServices: listServices,
  ListTagsForResource: listTagsForResource,
  ListTaskDefinitionFamilies: listTaskDefinitionFamilies,
  ListTaskDefinitions: listTaskDefinitions,
  ListTasks: listTasks,
  PutAccountSetting: putAccountSetting,
  PutAccountSettingDefault: putAccountSettingDefault,
  PutAttributes: putAttributes,
  RegisterContainerInstance: registerContainerInstance,
  RegisterTaskDefinition: registerTaskDefinition,
  RunTask: runTask,
  StartTask: startTask,
  StopTask: stopTask,
  SubmitAttachmentStateChanges: submitAttachmentStateChanges,
  SubmitContainerStateChange: submitContainerStateChange,
  SubmitTaskStateChange: submitTaskStateChange,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateCluster: updateCluster,
  UpdateClusterSettings: updateClusterSettings,
  UpdateContainerAgent: updateContainerAgent,
  UpdateContainerInstancesState: updateContainerInstancesState,
  UpdateService: updateService,
};
