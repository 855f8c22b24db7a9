import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";
import {
  carries,
  type HealthCheckSettings,
  type ProtocolVersion,
  type TargetGroupProtocol,
  type TargetGroupRecord,
} from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";
import { targetGroupArn } from "../../wire/arn.ts";
import { ElbError, targetGroupNotFound, validationError } from "./errors.ts";
import { type GivenHealthCheck, healthCheckFrom } from "./health-check.ts";
import { checkTargetGroupArn, loadBalancerOf, loadBalancersOf, targetGroupOf } from "./lookup.ts";
import { checkName } from "./names.ts";
import type { Operation } from "./operation.ts";
import { page } from "./page.ts";
import { refuseMembers } from "./refuse.ts";
import { tagsFrom } from "./tags.ts";
import { CREATE_TARGET_GROUP_REFUSED, MODIFY_TARGET_GROUP_REFUSED } from "./target-group-refusals.ts";

/** How many target groups an account may have. Source: ELB quotas. */
const MAX_TARGET_GROUPS = 3000;

export const createTargetGroup: Operation<"CreateTargetGroup"> = async ({ store, clock, random, scope }, input) => {
  const name = input.Name ?? "";
  checkName("Target group", name);
  refuseMembers(CREATE_TARGET_GROUP_REFUSED, input);
  const wanted = settingsFrom(input);
  const now = clock.now();
  const id = random.hex(8);
  const record = await store.transact("CreateTargetGroup", (tx) => {
    const [existing] = tx.targetGroups.where("name", name);
    if (existing !== undefined) {
      if (sameSettings(existing, wanted)) return existing;
      throw new ElbError(
        "DuplicateTargetGroupNameException",
        `A target group with the same name '${name}' exists, but with different settings`,
      );
    }
    if (tx.targetGroups.size >= MAX_TARGET_GROUPS) {
      throw new ElbError(
        "TooManyTargetGroupsException",
        `You have reached the limit of ${MAX_TARGET_GROUPS} target groups`,
      );
    }
    return tx.targetGroups.put({
      ...wanted,
      name,
      arn: targetGroupArn(scope, { targetGroupName: name, targetGroupId: id }),
      attributes: {},
      tags: tagsFrom({}, input.Tags ?? []),
      createdAt: now,
    });
  });
  return { TargetGroups: [toWire(store.view, record)] };
};

export const describeTargetGroups: Operation<"DescribeTargetGroups"> = (context, input) => {
  const tables = context.store.view;
  const arns = input.TargetGroupArns ?? [];
  const names = input.Names ?? [];
  const given = [arns.length > 0, names.length > 0, input.LoadBalancerArn !== undefined].filter(Boolean).length;
  if (given > 1) throw validationError("Only one of LoadBalancerArn, TargetGroupArns and Names can be specified");
  if (arns.length + names.length > 0) {
    const byArn = arns.map((arn) => targetGroupOf(tables, arn));
    const byName = names.map((name) => tables.targetGroups.where("name", name)[0] ?? missing(name));
    return { TargetGroups: [...byArn, ...byName].map((g) => toWire(tables, g)) };
  }
  let all = [...tables.targetGroups.all()];
  if (input.LoadBalancerArn !== undefined) {
    const { arn } = loadBalancerOf(tables, input.LoadBalancerArn);
    all = all.filter((g) => loadBalancersOf(tables, g.arn).includes(arn));
  }
  const { items, nextMarker } = page(context, all, (g) => g.arn, input, input.LoadBalancerArn ?? "");
  return { TargetGroups: items.map((g) => toWire(tables, g)), NextMarker: nextMarker };
};

export const modifyTargetGroup: Operation<"ModifyTargetGroup"> = async ({ store }, input) => {
  refuseMembers(MODIFY_TARGET_GROUP_REFUSED, input);
  const record = await store.transact("ModifyTargetGroup", (tx) => {
    const found = targetGroupOf(tx, input.TargetGroupArn);
    return tx.targetGroups.put({ ...found, healthCheck: healthCheckFrom(found, found.healthCheck, input) });
  });
  return { TargetGroups: [toWire(store.view, record)] };
};

export const deleteTargetGroup: Operation<"DeleteTargetGroup"> = async ({ store }, input) => {
  await store.transact("DeleteTargetGroup", (tx) => {
    const found = tx.targetGroups.get(checkTargetGroupArn(input.TargetGroupArn));
    if (found === undefined) return; // deleting what is not there succeeds, as ELBv2 has it
    if (loadBalancersOf(tx, found.arn).length > 0) {
      throw new ElbError(
        "ResourceInUseException",
        `Target group '${found.arn}' is currently in use by a listener or a rule`,
      );
    }
    for (const target of tx.targets.where("targetGroup", found.arn)) {
      tx.targets.delete(`${target.targetGroupArn}|${target.id}|${target.port}`);
    }
    tx.targetGroups.delete(found.arn);
  });
  return {};
};

function missing(what: string): never {
  throw targetGroupNotFound(what);
}

interface GivenGroup extends GivenHealthCheck {
  readonly Protocol?: string;
  readonly ProtocolVersion?: string;
  readonly Port?: number;
  readonly VpcId?: string;
  readonly TargetType?: string;
  readonly IpAddressType?: string;
  readonly TargetControlPort?: number;
}

type GroupSettings = Pick<
  TargetGroupRecord,
  "protocol" | "protocolVersion" | "port" | "vpcId" | "targetType" | "healthCheck"
>;

/** What is given, with ELBv2's defaults, after what is not carried out has been refused. Throws ValidationError. */
function settingsFrom(input: GivenGroup): GroupSettings {
  if (input.Protocol === undefined) throw validationError("A protocol must be specified");
  const protocol = input.Protocol as TargetGroupProtocol; // any other was refused
  if (carries(protocol) === "TCP" && input.ProtocolVersion !== undefined) {
    throw validationError(`ProtocolVersion cannot be specified for target groups with protocol '${protocol}'`);
  }
  if (input.Port === undefined) throw validationError("A port must be specified");
  if (input.Port < 1 || input.Port > 65535) {
    throw validationError(`Port '${input.Port}' is not valid: it must be from 1 to 65535`);
  }
  const protocolVersion =
    carries(protocol) === "TCP" ? undefined : ((input.ProtocolVersion ?? "HTTP1") as ProtocolVersion);
  return {
    protocol,
    protocolVersion,
    port: input.Port,
    vpcId: input.VpcId,
    targetType: input.TargetType === "ip" ? "ip" : "instance",
    healthCheck: healthCheckFrom({ protocol, protocolVersion }, undefined, input),
  };
}

function sameSettings(a: GroupSettings, b: GroupSettings): boolean {
  const essence = (s: GroupSettings) =>
    [s.protocol, s.protocolVersion, s.port, s.vpcId ?? "", s.targetType, checkEssence(s.healthCheck)].join("|");
  return essence(a) === essence(b);
}

function checkEssence(c: HealthCheckSettings): string {
  return [
    c.protocol,
    c.port,
    c.path,
    c.intervalSeconds,
    c.timeoutSeconds,
    c.healthyThreshold,
    c.unhealthyThreshold,
    c.matcher?.HttpCode ?? c.matcher?.GrpcCode,
  ].join();
}

function toWire(tables: BerthView, g: TargetGroupRecord): TargetGroup {
  const { healthCheck: check } = g;
  return {
    TargetGroupArn: g.arn,
    TargetGroupName: g.name,
    Protocol: g.protocol,
    Port: g.port,
    VpcId: g.vpcId,
    HealthCheckProtocol: check.protocol,
    HealthCheckPort: check.port,
    HealthCheckEnabled: check.enabled,
    HealthCheckIntervalSeconds: check.intervalSeconds,
    HealthCheckTimeoutSeconds: check.timeoutSeconds,
    HealthyThresholdCount: check.healthyThreshold,
    UnhealthyThresholdCount: check.unhealthyThreshold,
    HealthCheckPath: check.path,
    Matcher: check.matcher,
    LoadBalancerArns: loadBalancersOf(tables, g.arn),
    TargetType: g.targetType,
    ProtocolVersion: g.protocolVersion,
    IpAddressType: "ipv4",
  };
}
