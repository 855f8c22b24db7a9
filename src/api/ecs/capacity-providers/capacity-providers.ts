import type { CapacityProvider, Failure, ManagedScaling } from "@aws-sdk/client-ecs";
import type { CapacityProviderRecord } from "../../../model/capacity-provider.ts";
import { findProvider } from "../../../state/index.ts";
import type { BerthView } from "../../../store/index.ts";
import { capacityProviderArn, parseArn, parseCapacityProviderArn } from "../../../wire/arn.ts";
import type { AccountScope } from "../../context.ts";
import { clientError, EcsError, invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";
import { refuseMembers } from "../refuse.ts";
import { arnText, resolveCluster } from "../resolve.ts";
import { fromWireTags } from "../tags/tags.ts";
import {
  CREATE_CAPACITY_PROVIDER_REFUSED,
  DELETE_CAPACITY_PROVIDER_REFUSED,
  UPDATE_CAPACITY_PROVIDER_REFUSED,
} from "./refusals.ts";
import { isOfAws } from "./strategy-input.ts";
import { toWireCapacityProvider } from "./wire.ts";

/** Source: ECS API reference, CreateCapacityProvider. */
const NAME = /^(?!aws|ecs|fargate)[A-Za-z0-9_-]{1,255}$/i;
/** What the value of a host's attribute can be, but for the colon, which no group's name has. Source: ECS API reference, Attribute. */
const HOST_GROUP = /^(?! )[A-Za-z0-9_.@/\\ -]{1,128}(?<! )$/;
const GROUP_RESOURCE = /^autoScalingGroup:[0-9a-fA-F-]{36}:autoScalingGroupName\/(?<name>.+)$/;
/** A safeguard of our own: ECS documents no number for its accounts. */
const MAX_CAPACITY_PROVIDERS = 1000;
/** Source: ECS API reference, DescribeCapacityProviders. */
const MAX_DESCRIBED = 100;
const LIST_PAGE = { default: 10, max: 10 } as const;
/** Source: ECS API reference, ManagedScaling. */
const SCALING_RANGES = {
  targetCapacity: [1, 100],
  minimumScalingStepSize: [1, 10_000],
  maximumScalingStepSize: [1, 10_000],
  instanceWarmupPeriod: [0, 10_000],
} as const;

/** Makes a capacity provider of a group of hosts. It takes tasks in the clusters that it is associated with. */
export const createCapacityProvider: Operation<"CreateCapacityProvider"> = async ({ store, scope, clock }, input) => {
  const { name } = input;
  if (!NAME.test(name)) {
    throw invalidParameter(
      "The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (upper and lowercase), numbers, underscores (_), and hyphens (-). The name cannot be prefixed with aws, ecs, or fargate.",
    );
  }
  refuseMembers(CREATE_CAPACITY_PROVIDER_REFUSED, input);
  const given = input.autoScalingGroupProvider;
  if (given === undefined) throw invalidParameter("A capacity provider needs an autoScalingGroupProvider.");
  const { autoScalingGroupArn = "" } = given;
  const record: CapacityProviderRecord = {
    arn: capacityProviderArn(scope, { capacityProviderName: name }),
    name,
    autoScalingGroupArn,
    hostGroup: hostGroupOf(scope, autoScalingGroupArn),
    managedScaling: scalingOf(given.managedScaling),
    isUpdated: false,
    tags: fromWireTags(input.tags),
    createdAt: clock.now(),
  };
  await store.transact("CreateCapacityProvider", (tx) => {
    if (findProvider(tx, name) !== undefined) {
      throw clientError(
        "The specified capacity provider already exists. To change the configuration of an existing capacity provider, update the capacity provider.",
      );
    }
    const all = [...tx.capacityProviders.all()];
    if (all.length >= MAX_CAPACITY_PROVIDERS) {
      const text = `The limit of ${MAX_CAPACITY_PROVIDERS} capacity providers has been reached.`;
      throw new EcsError("LimitExceededException", text);
    }
    const other = all.find((p) => p.hostGroup === record.hostGroup);
    if (other !== undefined) {
      throw clientError(
        `The specified Auto Scaling group is already in use by capacity provider ${other.name}. Specify a unique Auto Scaling group and try again.`,
      );
    }
    tx.capacityProviders.put(record);
  });
  return { capacityProvider: toWireCapacityProvider(record, ["TAGS"]) };
};

/** Keeps other numbers for managed scaling, which stays DISABLED. The group of hosts cannot be changed. */
export const updateCapacityProvider: Operation<"UpdateCapacityProvider"> = async ({ store, scope }, input) => {
  refuseMembers(UPDATE_CAPACITY_PROVIDER_REFUSED, input);
  const given = input.autoScalingGroupProvider;
  if (given === undefined) throw invalidParameter("A capacity provider needs an autoScalingGroupProvider.");
  const managedScaling = scalingOf(given.managedScaling);
  const updated = await store.transact("UpdateCapacityProvider", (tx) => {
    const before = resolveProvider(tx, scope, input.name);
    return tx.capacityProviders.put({
      ...before,
      managedScaling: managedScaling ?? before.managedScaling,
      isUpdated: true,
    });
  });
  return { capacityProvider: toWireCapacityProvider(updated, ["TAGS"]) };
};

/** Deletes a capacity provider. Throws ClientException while it is associated with a cluster. */
export const deleteCapacityProvider: Operation<"DeleteCapacityProvider"> = async ({ store, scope }, input) => {
  refuseMembers(DELETE_CAPACITY_PROVIDER_REFUSED, input);
  const deleted = await store.transact("DeleteCapacityProvider", (tx) => {
    const provider = resolveProvider(tx, scope, input.capacityProvider);
    const users = [...tx.clusters.all()].filter((c) => c.capacityProviders?.includes(provider.name) === true);
    if (users[0] !== undefined) {
      throw clientError(
        `The specified capacity provider is in use and cannot be removed. It is associated with cluster ${users[0].name}.`,
      );
    }
    tx.capacityProviders.delete(provider.arn);
    return provider;
  });
  const shown = toWireCapacityProvider(deleted, ["TAGS"]);
  return { capacityProvider: { ...shown, status: "INACTIVE", updateStatus: "DELETE_COMPLETE" } };
};

/** The capacity providers that are named, or a page of all; with a cluster only those that are associated with it. */
export const describeCapacityProviders: Operation<"DescribeCapacityProviders"> = (context, input) => {
  const { store, scope } = context;
  const { capacityProviders: asked = [], include = [] } = input;
  if (asked.length > MAX_DESCRIBED) {
    throw invalidParameter(`Capacity providers cannot have more than ${MAX_DESCRIBED} elements.`);
  }
  const cluster = input.cluster === undefined ? undefined : resolveCluster(store.view, scope, input.cluster);
  const isAsked = ({ name }: CapacityProviderRecord) =>
    cluster === undefined || cluster.capacityProviders?.includes(name) === true;
  if (asked.length === 0) {
    const all = [...store.view.capacityProviders.all()].filter(isAsked);
    const { items, nextToken } = page(context, all, (p) => p.name, input, LIST_PAGE, { cluster: cluster?.arn });
    return { capacityProviders: items.map((p) => toWireCapacityProvider(p, include)), failures: [], nextToken };
  }
  const capacityProviders: CapacityProvider[] = [];
  const failures: Failure[] = [];
  for (const nameOrArn of new Set(asked)) {
    const found = lookUp(store.view, nameOrArn);
    if (found !== undefined && isAsked(found)) capacityProviders.push(toWireCapacityProvider(found, include));
    else {
      const arn = nameOrArn.startsWith("arn:") ? nameOrArn : arnText(scope, `capacity-provider/${nameOrArn}`);
      failures.push({ arn, reason: "MISSING" });
    }
  }
  return { capacityProviders, failures };
};

type Tables = Pick<BerthView, "capacityProviders">;

function lookUp(tables: Tables, nameOrArn: string): CapacityProviderRecord | undefined {
  if (!nameOrArn.startsWith("arn:")) return findProvider(tables, nameOrArn);
  const parsed = parseCapacityProviderArn(nameOrArn);
  return parsed === undefined ? undefined : tables.capacityProviders.get(parsed.arn);
}

/** Throws ClientException if there is no such provider, or if it is one of AWS's own, which cannot be changed. */
function resolveProvider(tables: Tables, scope: AccountScope, nameOrArn: string): CapacityProviderRecord {
  const found = lookUp(tables, nameOrArn);
  if (found !== undefined) return found;
  const parts = nameOrArn.startsWith("arn:") ? parseArn(nameOrArn) : undefined;
  if (nameOrArn.startsWith("arn:") && (parts?.service !== "ecs" || parts.accountId !== scope.accountId)) {
    throw invalidParameter("The ARN provided is invalid.");
  }
  if (isOfAws(nameOrArn)) throw clientError("FARGATE and FARGATE_SPOT cannot be changed or deleted.");
  throw clientError("The specified capacity provider could not be found.");
}

/** The group's name in an Auto Scaling group's ARN, or the bare name. Throws InvalidParameterException for what is neither. */
function hostGroupOf({ partition, region, accountId }: AccountScope, arnOrName: string): string {
  const start = `arn:${partition}:autoscaling:${region}:${accountId}:`;
  const ofArn = arnOrName.startsWith(start) ? GROUP_RESOURCE.exec(arnOrName.slice(start.length)) : undefined;
  const name = ofArn?.groups?.name ?? arnOrName;
  if (HOST_GROUP.test(name)) return name;
  throw invalidParameter(
    `The autoScalingGroupArn must be the name of a group of hosts, or ${start}autoScalingGroup:<uuid>:autoScalingGroupName/<name>.`,
  );
}

function scalingOf(given: ManagedScaling | undefined): ManagedScaling | undefined {
  if (given === undefined) return undefined;
  for (const [member, [least, most]] of Object.entries(SCALING_RANGES)) {
    const value = given[member as keyof typeof SCALING_RANGES];
    if (value !== undefined && (value < least || value > most)) {
      throw invalidParameter(`${member} must be between ${least} and ${most}.`);
    }
  }
  return { ...given };
}
