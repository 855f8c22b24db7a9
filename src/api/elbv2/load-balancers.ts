import type { LoadBalancer } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { LoadBalancerRecord } from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";
import { loadBalancerArn } from "../../wire/arn.ts";
import { ElbError, loadBalancerNotFound, validationError } from "./errors.ts";
import { removeListener } from "./listeners.ts";
import { addressesOf } from "./load-balancer-addresses.ts";
import { subnetsOf, toWireZones } from "./load-balancer-network.ts";
import { CREATE_LOAD_BALANCER_REFUSED } from "./load-balancer-refusals.ts";
import { checkLoadBalancerArn } from "./lookup.ts";
import { checkName } from "./names.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";
import { refuseMembers } from "./refuse.ts";
import { tagsFrom } from "./tags.ts";

/** How many load balancers an account may have. Source: ELB quotas. */
const MAX_LOAD_BALANCERS = 50;

export const createLoadBalancer: Operation<"CreateLoadBalancer"> = async (context, input) => {
  const { store, clock, random, scope, balancer } = context;
  const name = input.Name ?? "";
  checkName("Load balancer", name);
  const type = input.Type ?? "application";
  refuseMembers(CREATE_LOAD_BALANCER_REFUSED, input);
  const subnets = subnetsOf(input.Subnets, input.SubnetMappings);
  const now = clock.now();
  const id = random.hex(8);
  const record = await store.transact("CreateLoadBalancer", (tx) => {
    const wanted = {
      name,
      type: type as "application" | "network",
      scheme: input.Scheme ?? ("internet-facing" as const),
      ipAddressType: "ipv4" as const,
      subnets,
      securityGroups: input.SecurityGroups ?? [],
    };
    const [existing] = tx.loadBalancers.where("name", name);
    if (existing !== undefined) {
      if (sameSettings(existing, wanted)) return existing;
      throw new ElbError(
        "DuplicateLoadBalancerNameException",
        `A load balancer with the same name '${name}' exists, but with different settings`,
      );
    }
    if (tx.loadBalancers.size >= MAX_LOAD_BALANCERS) {
      throw new ElbError(
        "TooManyLoadBalancersException",
        `You have reached the limit of ${MAX_LOAD_BALANCERS} load balancers`,
      );
    }
    return tx.loadBalancers.put({
      ...wanted,
      arn: loadBalancerArn(scope, {
        loadBalancerKind: wanted.type === "application" ? "app" : "net",
        loadBalancerName: name,
        loadBalancerId: id,
      }),
      address: balancer.address,
      attributes: {},
      tags: tagsFrom({}, input.Tags ?? []),
      createdAt: now,
    });
  });
  return { LoadBalancers: [toWire(store.view, record)] };
};

export const describeLoadBalancers: Operation<"DescribeLoadBalancers"> = (context, input) => {
  const tables = context.store.view;
  const { loadBalancers } = tables;
  const arns = input.LoadBalancerArns ?? [];
  const names = input.Names ?? [];
  if (arns.length > 0 && names.length > 0) {
    throw validationError("Load balancer names and load balancer ARNs cannot be specified at the same time");
  }
  if (arns.length + names.length > 20) throw validationError("The number of load balancers described cannot exceed 20");
  if (arns.length + names.length > 0) {
    const byArn = arns.map((arn) => loadBalancers.get(arn) ?? missing(arn));
    const byName = names.map((name) => loadBalancers.where("name", name)[0] ?? missing(name));
    return { LoadBalancers: [...byArn, ...byName].map((l) => toWire(tables, l)) };
  }
  const { items, nextMarker } = page(context, [...loadBalancers.all()], (l) => l.arn, input);
  return { LoadBalancers: items.map((l) => toWire(tables, l)), NextMarker: nextMarker };
};

export const deleteLoadBalancer: Operation<"DeleteLoadBalancer"> = async ({ store }, input) => {
  await store.transact("DeleteLoadBalancer", (tx) => {
    const found = tx.loadBalancers.get(checkLoadBalancerArn(input.LoadBalancerArn));
    if (found === undefined) return; // deleting what is not there succeeds, as ELBv2 has it
    if (found.attributes["deletion_protection.enabled"] === "true") {
      throw new ElbError(
        "OperationNotPermittedException",
        `Load balancer '${found.arn}' cannot be deleted because deletion protection is enabled`,
      );
    }
    for (const listener of tx.listeners.where("loadBalancer", found.arn)) removeListener(tx, listener);
    tx.loadBalancers.delete(found.arn);
  });
  return {};
};

function missing(what: string): never {
  throw loadBalancerNotFound(what);
}

function sameSettings(
  a: LoadBalancerRecord,
  b: Omit<LoadBalancerRecord, "arn" | "address" | "attributes" | "tags" | "createdAt">,
) {
  return (
    a.type === b.type &&
    a.scheme === b.scheme &&
    a.subnets.join() === b.subnets.join() &&
    a.securityGroups.join() === b.securityGroups.join()
  );
}

function toWire(tables: BerthView, l: LoadBalancerRecord): LoadBalancer {
  const addresses = addressesOf(tables, l);
  return {
    LoadBalancerArn: l.arn,
    DNSName: addresses[0],
    CreatedTime: new Date(l.createdAt),
    LoadBalancerName: l.name,
    Scheme: l.scheme,
    State: { Code: "active" },
    Type: l.type,
    AvailabilityZones: toWireZones(l.subnets, addresses),
    SecurityGroups: l.type === "application" ? [...l.securityGroups] : undefined,
    IpAddressType: l.ipAddressType,
  };
}
