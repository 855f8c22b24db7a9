import { isIPv4 } from "node:net";
import type {
  TargetDescription,
  TargetHealth,
  TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { TargetGroupRecord, TargetRecord } from "../../model/load-balancer.ts";
import { deregisterTarget, registerTarget } from "../../state/index.ts";
import type { BerthView } from "../../store/index.ts";
import { ElbError, validationError } from "./errors.ts";
import { loadBalancersOf, targetGroupOf } from "./lookup.ts";
import type { Operation } from "./operation.ts";
import { refuseMembers } from "./refuse.ts";
import { DESCRIBE_TARGET_HEALTH_REFUSED } from "./target-group-refusals.ts";

/** How many targets a target group may have. Source: ELB quotas. */
const MAX_TARGETS = 1000;

export const registerTargets: Operation<"RegisterTargets"> = async ({ store, clock }, input) => {
  const now = clock.now();
  await store.transact("RegisterTargets", (tx) => {
    const group = targetGroupOf(tx, input.TargetGroupArn);
    for (const given of input.Targets ?? []) registerTarget(tx, checkedTarget(tx, group, given), now);
    if (tx.targets.count("targetGroup", group.arn) > MAX_TARGETS) {
      throw new ElbError(
        "TooManyTargetsException",
        `Target group '${group.arn}' may have at most ${MAX_TARGETS} targets`,
      );
    }
  });
  return {};
};

export const deregisterTargets: Operation<"DeregisterTargets"> = async ({ store, clock }, input) => {
  const now = clock.now();
  await store.transact("DeregisterTargets", (tx) => {
    const group = targetGroupOf(tx, input.TargetGroupArn);
    for (const given of input.Targets ?? []) {
      // Without a port, every registration of that id is meant.
      const meant = tx.targets
        .where("targetGroup", group.arn)
        .filter((t) => t.id === given.Id && (given.Port === undefined || t.port === given.Port));
      for (const target of meant) deregisterTarget(tx, target, now);
    }
  });
  return {};
};

export const describeTargetHealth: Operation<"DescribeTargetHealth"> = ({ store }, input) => {
  refuseMembers(DESCRIBE_TARGET_HEALTH_REFUSED, input);
  const tables = store.view;
  const group = targetGroupOf(tables, input.TargetGroupArn);
  const inUse = loadBalancersOf(tables, group.arn).length > 0;
  if (input.Targets !== undefined && input.Targets.length > 0) {
    return { TargetHealthDescriptions: input.Targets.flatMap((given) => healthOfAsked(tables, group, given, inUse)) };
  }
  return {
    TargetHealthDescriptions: tables.targets.where("targetGroup", group.arn).map((t) => toWire(group, t, inUse)),
  };
};

function healthOfAsked(
  tables: BerthView,
  group: TargetGroupRecord,
  given: TargetDescription,
  inUse: boolean,
): TargetHealthDescription[] {
  const found = tables.targets
    .where("targetGroup", group.arn)
    .filter((t) => t.id === given.Id && (given.Port === undefined || t.port === given.Port));
  if (found.length > 0) return found.map((t) => toWire(group, t, inUse));
  return [
    {
      Target: { Id: given.Id, Port: given.Port ?? group.port },
      TargetHealth: {
        State: "unused",
        Reason: "Target.NotRegistered",
        Description: "Target is not registered to the target group",
      },
    },
  ];
}

function checkedTarget(
  tables: Pick<BerthView, "containerInstances">,
  group: TargetGroupRecord,
  given: TargetDescription,
): Pick<TargetRecord, "targetGroupArn" | "id" | "port"> {
  const id = given.Id ?? "";
  const port = given.Port ?? group.port;
  if (port < 1 || port > 65535) throw validationError(`Port '${port}' is not valid: it must be from 1 to 65535`);
  if (given.AvailabilityZone !== undefined && given.AvailabilityZone !== "all" && group.targetType === "instance") {
    throw validationError("You cannot specify an Availability Zone for targets of type 'instance'");
  }
  if (group.targetType === "ip" && !isIPv4(id))
    throw validationError(`The IP address '${id}' is not a valid IPv4 address`);
  if (group.targetType === "instance" && tables.containerInstances.count("ec2InstanceId", id) === 0) {
    throw new ElbError(
      "InvalidTargetException",
      `The following targets are not in a running state and cannot be registered: '${id}'`,
    );
  }
  return { targetGroupArn: group.arn, id, port };
}

function toWire(group: TargetGroupRecord, target: TargetRecord, inUse: boolean): TargetHealthDescription {
  const { healthCheck } = group;
  return {
    Target: { Id: target.id, Port: target.port },
    HealthCheckPort: healthCheck.port === "traffic-port" ? String(target.port) : healthCheck.port,
    TargetHealth: inUse || target.state === "draining" ? healthOf(target) : NOT_IN_USE,
  };
}

const NOT_IN_USE: TargetHealth = {
  State: "unused",
  Reason: "Target.NotInUse",
  Description: "Target group is not configured to receive traffic from the load balancer",
};

function healthOf(target: TargetRecord): TargetHealth {
  return { State: target.state, Reason: target.reason, Description: target.description };
}
