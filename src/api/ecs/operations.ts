import type { EcsOperations } from "../../wire/models/ecs.ts";
import {
  deleteAccountSetting,
  listAccountSettings,
  putAccountSetting,
  putAccountSettingDefault,
} from "./account-settings/account-settings.ts";
import { discoverPollEndpoint } from "./agent/poll-endpoint.ts";
import {
  submitAttachmentStateChanges,
  submitContainerStateChange,
  submitTaskStateChange,
} from "./agent/state-changes.ts";
import {
  createCapacityProvider,
  deleteCapacityProvider,
  describeCapacityProviders,
  updateCapacityProvider,
} from "./capacity-providers/capacity-providers.ts";
import { putClusterCapacityProviders } from "./capacity-providers/cluster-providers.ts";
import {
  createCluster,
  deleteCluster,
  describeClusters,
  listClusters,
  updateCluster,
  updateClusterSettings,
} from "./clusters/clusters.ts";
import { deleteAttributes, listAttributes, putAttributes } from "./container-instances/attributes.ts";
import {
  describeContainerInstances,
  listContainerInstances,
  updateContainerAgent,
  updateContainerInstancesState,
} from "./container-instances/container-instances.ts";
import { deregisterContainerInstance } from "./container-instances/deregister.ts";
import { registerContainerInstance } from "./container-instances/register.ts";
import type { Operation } from "./operation.ts";
import { continueServiceDeployment } from "./services/continue-service-deployment.ts";
import { describeServices, listServices } from "./services/queries.ts";
import {
  describeServiceDeployments,
  describeServiceRevisions,
  listServiceDeployments,
  stopServiceDeployment,
} from "./services/service-deployments.ts";
import { createService, deleteService, updateService } from "./services/services.ts";
import {
  createTaskSet,
  deleteTaskSet,
  describeTaskSets,
  updateServicePrimaryTaskSet,
  updateTaskSet,
} from "./services/task-sets.ts";
import { listTagsForResource, tagResource, untagResource } from "./tags/tag-resource.ts";
import { deleteTaskDefinitions } from "./task-definitions/deletion.ts";
import { listTaskDefinitionFamilies, listTaskDefinitions } from "./task-definitions/lists.ts";
import {
  deregisterTaskDefinition,
  describeTaskDefinition,
  registerTaskDefinition,
} from "./task-definitions/task-definitions.ts";
import { listTasks } from "./tasks/list.ts";
import { getTaskProtection, updateTaskProtection } from "./tasks/protection.ts";
import { runTask } from "./tasks/run-task.ts";
import { startTask } from "./tasks/start-task.ts";
import { describeTasks, stopTask } from "./tasks/tasks.ts";

/** Every ECS operation that is carried out. */
export const ecsOperations: { readonly [K in keyof EcsOperations]?: Operation<K> } = {
  ContinueServiceDeployment: continueServiceDeployment,
  CreateCapacityProvider: createCapacityProvider,
  CreateCluster: createCluster,
  CreateService: createService,
  CreateTaskSet: createTaskSet,
  DeleteAccountSetting: deleteAccountSetting,
  DeleteAttributes: deleteAttributes,
  DeleteCapacityProvider: deleteCapacityProvider,
  DeleteCluster: deleteCluster,
  DeleteService: deleteService,
  DeleteTaskDefinitions: deleteTaskDefinitions,
  DeleteTaskSet: deleteTaskSet,
  DeregisterContainerInstance: deregisterContainerInstance,
  DeregisterTaskDefinition: deregisterTaskDefinition,
  DescribeCapacityProviders: describeCapacityProviders,
  DescribeClusters: describeClusters,
  DescribeContainerInstances: describeContainerInstances,
  DescribeServiceDeployments: describeServiceDeployments,
  DescribeServiceRevisions: describeServiceRevisions,
  DescribeServices: describeServices,
  DescribeTaskDefinition: describeTaskDefinition,
  DescribeTaskSets: describeTaskSets,
  DescribeTasks: describeTasks,
  DiscoverPollEndpoint: discoverPollEndpoint,
  GetTaskProtection: getTaskProtection,
  ListAccountSettings: listAccountSettings,
  ListAttributes: listAttributes,
  ListClusters: listClusters,
  ListContainerInstances: listContainerInstances,
  ListServiceDeployments: listServiceDeployments,
  ListServices: listServices,
  ListTagsForResource: listTagsForResource,
  ListTaskDefinitionFamilies: listTaskDefinitionFamilies,
  ListTaskDefinitions: listTaskDefinitions,
  ListTasks: listTasks,
  PutAccountSetting: putAccountSetting,
  PutAccountSettingDefault: putAccountSettingDefault,
  PutAttributes: putAttributes,
  PutClusterCapacityProviders: putClusterCapacityProviders,
  RegisterContainerInstance: registerContainerInstance,
  RegisterTaskDefinition: registerTaskDefinition,
  RunTask: runTask,
  StartTask: startTask,
  StopServiceDeployment: stopServiceDeployment,
  StopTask: stopTask,
  SubmitAttachmentStateChanges: submitAttachmentStateChanges,
  SubmitContainerStateChange: submitContainerStateChange,
  SubmitTaskStateChange: submitTaskStateChange,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateCapacityProvider: updateCapacityProvider,
  UpdateCluster: updateCluster,
  UpdateClusterSettings: updateClusterSettings,
  UpdateContainerAgent: updateContainerAgent,
  UpdateContainerInstancesState: updateContainerInstancesState,
  UpdateService: updateService,
  UpdateServicePrimaryTaskSet: updateServicePrimaryTaskSet,
  UpdateTaskProtection: updateTaskProtection,
  UpdateTaskSet: updateTaskSet,
};
