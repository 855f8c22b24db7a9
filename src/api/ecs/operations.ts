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
import type { Operation } from "./operation.ts";
import { listTagsForResource, tagResource, untagResource } from "./tag-resource.ts";
import { deleteTaskDefinitions } from "./task-definition-deletion.ts";
import { listTaskDefinitionFamilies, listTaskDefinitions } from "./task-definition-lists.ts";
import { deregisterTaskDefinition, describeTaskDefinition, registerTaskDefinition } from "./task-definitions.ts";

/** Every ECS operation that is carried out. */
export const ecsOperations: { readonly [K in keyof EcsOperations]?: Operation<K> } = {
  CreateCluster: createCluster,
  DeleteAccountSetting: deleteAccountSetting,
  DeleteAttributes: deleteAttributes,
  DeleteCluster: deleteCluster,
  DeleteTaskDefinitions: deleteTaskDefinitions,
  DeregisterTaskDefinition: deregisterTaskDefinition,
  DescribeClusters: describeClusters,
  DescribeTaskDefinition: describeTaskDefinition,
  ListAccountSettings: listAccountSettings,
  ListAttributes: listAttributes,
  ListClusters: listClusters,
  ListTagsForResource: listTagsForResource,
  ListTaskDefinitionFamilies: listTaskDefinitionFamilies,
  ListTaskDefinitions: listTaskDefinitions,
  PutAccountSetting: putAccountSetting,
  PutAccountSettingDefault: putAccountSettingDefault,
  PutAttributes: putAttributes,
  RegisterTaskDefinition: registerTaskDefinition,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateCluster: updateCluster,
  UpdateClusterSettings: updateClusterSettings,
};
