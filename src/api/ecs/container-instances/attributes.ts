import type { Attribute } from "@aws-sdk/client-ecs";
import type { ClusterRecord } from "../../../model/cluster.ts";
import type { ContainerInstanceRecord } from "../../../model/container-instance.ts";
import type { BerthView } from "../../../store/index.ts";
import { parseContainerInstanceArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
import { arnText, checkClusterOf, resolveCluster } from "../resolve.ts";
import { checkCustomCount, isAttributeName, isBuiltIn } from "./attribute.ts";

/** Source: ECS API reference, PutAttributes. */
const MAX_PER_CALL = 10;
const VALUE = /^[A-Za-z0-9_./\\@: -]{1,128}$/;
const PAGE = { default: 100, max: 100 } as const;

/** Sets attributes of container instances: those that are there already get the new value. All or none. */
export const putAttributes: Operation<"PutAttributes"> = async ({ store, scope }, input) => {
  const attributes = checkList(input.attributes);
  for (const attribute of attributes) checkAttribute(attribute);
  await store.transact("PutAttributes", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    for (const attribute of attributes) {
      const instance = resolveTarget(tx, scope, cluster, attribute);
      const after = [...instance.attributes.filter((a) => a.name !== attribute.name), bare(attribute)];
      checkCustomCount(after);
      tx.containerInstances.put({ ...instance, attributes: after, version: instance.version + 1 });
    }
  });
  return { attributes: attributes.map((a) => shown(a, targetArn(scope, input.cluster, a))) };
};

/** Removes attributes, with a value only if it is that value. One that is not there is passed over. */
export const deleteAttributes: Operation<"DeleteAttributes"> = async ({ store, scope }, input) => {
  const attributes = checkList(input.attributes);
  const deleted = await store.transact("DeleteAttributes", (tx) => {
    const cluster = resolveCluster(tx, scope, input.cluster);
    return attributes.flatMap((attribute) => {
      const instance = resolveTarget(tx, scope, cluster, attribute);
      if (isBuiltIn(attribute)) throw invalidParameter(`The attribute ${attribute.name} cannot be deleted.`);
      const found = instance.attributes.find(
        (a) => a.name === attribute.name && (!attribute.value || (a.value ?? "") === attribute.value),
      );
      if (found === undefined) return [];
      const after = instance.attributes.filter((a) => a !== found);
      tx.containerInstances.put({ ...instance, attributes: after, version: instance.version + 1 });
      return [shown(found, instance.arn)];
    });
  });
  return { attributes: deleted };
};

export const listAttributes: Operation<"ListAttributes"> = (context, input) => {
  const { store, scope } = context;
  const { attributeName, attributeValue, targetType } = input;
  if (attributeValue !== undefined && attributeName === undefined) {
    throw invalidParameter("An attributeValue can be given only with an attributeName.");
  }
  const cluster = resolveCluster(store.view, scope, input.cluster);
  const all = store.view.containerInstances
    .where("cluster", cluster.arn)
    .flatMap((instance) => instance.attributes.map((attribute) => shown(attribute, instance.arn)))
    .filter((a) => attributeName === undefined || a.name === attributeName)
    .filter((a) => attributeValue === undefined || (a.value ?? "") === attributeValue);
  const key = (a: Attribute) => `${a.targetId} ${a.name}`;
  const filters = { cluster: cluster.arn, attributeName, attributeValue, targetType };
  const { items, nextToken } = page(context, all, key, input, PAGE, filters);
  return { attributes: items, nextToken };
};

function checkList(attributes: readonly Attribute[]): readonly Attribute[] {
  if (attributes.length === 0) throw invalidParameter("Attributes cannot be empty.");
  if (attributes.length > MAX_PER_CALL) {
    throw invalidParameter(`Attributes cannot have more than ${MAX_PER_CALL} elements.`);
  }
  return attributes;
}

function checkAttribute(attribute: Attribute): void {
  const { name = "", value } = attribute;
  if (!isAttributeName(name)) throw invalidParameter(`The attribute name '${name}' is invalid.`);
  if (isBuiltIn(attribute)) throw invalidParameter(`The attribute ${name} cannot be set: its prefix is reserved.`);
  if (value !== undefined && value !== "" && (!VALUE.test(value) || value !== value.trim())) {
    throw invalidParameter(`The value of attribute '${name}' is invalid.`);
  }
}

function targetArn(scope: AccountScope, cluster: string | undefined, { targetId = "" }: Attribute): string {
  if (targetId.startsWith("arn:")) return targetId;
  const clusterName = (cluster ?? "default").split("/").at(-1);
  return arnText(scope, `container-instance/${clusterName}/${targetId}`);
}

/** The container instance that an attribute is of, by its id (with targetType) or ARN. Throws TargetNotFoundException. */
function resolveTarget(
  tables: Pick<BerthView, "containerInstances">,
  scope: AccountScope,
  cluster: ClusterRecord,
  attribute: Attribute,
): ContainerInstanceRecord {
  const { targetId = "", targetType } = attribute;
  if (targetId === "") throw invalidParameter("An attribute needs the targetId of a container instance.");
  const parsed = targetId.startsWith("arn:") ? parseContainerInstanceArn(targetId) : undefined;
  if (targetId.startsWith("arn:") && parsed === undefined) throw invalidParameter("The ARN provided is invalid.");
  if (parsed !== undefined) checkClusterOf(cluster, parsed.clusterName);
  if (parsed === undefined && targetType === undefined) {
    throw invalidParameter("An attribute whose targetId is not an ARN needs a targetType.");
  }
  const found = tables.containerInstances.get(targetArn(scope, cluster.name, attribute));
  if (found === undefined || found.status === "INACTIVE") {
    throw new EcsError("TargetNotFoundException", `Could not find ${targetId}`);
  }
  return found;
}

function bare({ name, value }: Attribute): Attribute {
  return value === undefined ? { name } : { name, value };
}

function shown(attribute: Attribute, arn: string): Attribute {
  return { ...bare(attribute), targetType: "container-instance", targetId: arn };
}
