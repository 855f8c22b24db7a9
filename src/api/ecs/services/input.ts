import type { AdvancedConfiguration, DeploymentConfiguration, LoadBalancer } from "@aws-sdk/client-ecs";
import type { AdvancedLoadBalancer, ServiceLoadBalancer } from "../../../model/deployment.ts";
import type { CircuitBreakerSettings } from "../../../model/service.ts";
import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import type { BerthView } from "../../../store/index.ts";
import { invalidParameter } from "../errors.ts";

/** Source: ECS API reference, CreateService. */
const SERVICE_NAME = /^[A-Za-z0-9_-]{1,255}$/;
/** Source: ECS quotas. */
const MAX_TARGET_GROUPS = 5;
const MAX_TASKS_PER_SERVICE = 5000;
/** The largest `integer` of the API. */
const MAX_INTEGER = 2_147_483_647;

export function checkServiceName(name: string): void {
  if (!SERVICE_NAME.test(name)) {
    throw invalidParameter("Service name must be 1 to 255 letters, numbers, hyphens and underscores.");
  }
}

export function checkDesiredCount(count: number): void {
  if (count < 0) throw invalidParameter("The desired count must not be negative.");
  if (count > MAX_TASKS_PER_SERVICE) {
    throw invalidParameter(`The desired count cannot be greater than ${MAX_TASKS_PER_SERVICE}.`);
  }
}

export function checkGracePeriod(seconds: number | undefined): void {
  if (seconds !== undefined && (seconds < 0 || seconds > MAX_INTEGER)) {
    throw invalidParameter(`healthCheckGracePeriodSeconds must be between 0 and ${MAX_INTEGER}.`);
  }
}

/** 1 to 36 printable ASCII characters. */
export function checkClientToken(token: string | undefined): void {
  if (token !== undefined && !/^[\x21-\x7e]{1,36}$/.test(token)) {
    throw invalidParameter("clientToken must be 1 to 36 ASCII characters in the range of 33-126 (inclusive).");
  }
}

/** The two percentages of a rolling deployment: what is given, else what was before. */
export function percentsOf(
  given: DeploymentConfiguration | undefined,
  before: { readonly minimumHealthyPercent: number; readonly maximumPercent: number },
): { readonly minimumHealthyPercent: number; readonly maximumPercent: number } {
  const minimumHealthyPercent = given?.minimumHealthyPercent ?? before.minimumHealthyPercent;
  const maximumPercent = given?.maximumPercent ?? before.maximumPercent;
  if (minimumHealthyPercent < 0 || minimumHealthyPercent > 100) {
    throw invalidParameter("minimumHealthyPercent must be between 0 and 100.");
  }
  if (maximumPercent < 100) throw invalidParameter("maximumPercent must be 100 or more.");
  return { minimumHealthyPercent, maximumPercent };
}

/** What is asked of the circuit breaker: the whole of what is given, else what was before. Throws InvalidParameterException. */
export function circuitBreakerOf(
  given: DeploymentConfiguration | undefined,
  before: CircuitBreakerSettings | undefined,
): CircuitBreakerSettings | undefined {
  if (given?.deploymentCircuitBreaker === undefined) return before;
  const {
    enable = false,
    rollback = false,
    resetOnHealthyTask,
    thresholdConfiguration,
  } = given.deploymentCircuitBreaker;
  const { type, value } = thresholdConfiguration ?? {};
  if (value !== undefined && value < 1) {
    throw invalidParameter("The value of the deployment circuit breaker's thresholdConfiguration must be 1 or more.");
  }
  return {
    enable,
    rollback,
    resetOnHealthyTask,
    thresholdConfiguration: type === undefined || value === undefined ? undefined : { type, value },
  };
}

/** The load balancers of a service as its record keeps them. Throws InvalidParameterException for one that lacks a part. */
export function loadBalancersOf(given: readonly LoadBalancer[]): readonly ServiceLoadBalancer[] {
  if (given.length > MAX_TARGET_GROUPS) {
    throw invalidParameter(`loadBalancers can have at most ${MAX_TARGET_GROUPS} items.`);
  }
  return given.map(({ targetGroupArn, containerName, containerPort, advancedConfiguration }) => {
    if (targetGroupArn === undefined || targetGroupArn === "") {
      throw invalidParameter("Every load balancer needs a targetGroupArn.");
    }
    if (containerName === undefined || containerName === "") throw invalidParameter("Container name cannot be blank.");
    if (containerPort === undefined) throw invalidParameter("Container port cannot be null.");
    if (advancedConfiguration === undefined) return { targetGroupArn, containerName, containerPort };
    return { targetGroupArn, containerName, containerPort, advanced: advancedOf(advancedConfiguration) };
  });
}

function advancedOf(given: AdvancedConfiguration): AdvancedLoadBalancer {
  const { alternateTargetGroupArn, productionListenerRule, testListenerRule, roleArn } = given;
  if (alternateTargetGroupArn === undefined || alternateTargetGroupArn === "") {
    throw invalidParameter("advancedConfiguration needs an alternateTargetGroupArn.");
  }
  if (productionListenerRule === undefined || productionListenerRule === "") {
    throw invalidParameter("advancedConfiguration needs a productionListenerRule.");
  }
  return {
    alternateTargetGroupArn,
    productionListenerRule,
    ...(testListenerRule === undefined ? {} : { testListenerRule }),
    ...(roleArn === undefined ? {} : { roleArn }),
  };
}

/**
 * Throws InvalidParameterException unless every load balancer's container and port are in the task definition, and its
 * target group exists and has a listener. Source: ECS developer guide, service load balancing.
 */
export function checkLoadBalancers(
  tables: Pick<BerthView, "targetGroups" | "listeners" | "listenerRules">,
  loadBalancers: readonly ServiceLoadBalancer[],
  { definition }: TaskDefinitionRecord,
): void {
  const seen = new Set<string>();
  for (const { targetGroupArn, containerName, containerPort, advanced } of loadBalancers) {
    const key = `${targetGroupArn} ${containerName} ${containerPort}`;
    if (seen.has(key))
      throw invalidParameter(`The target group ${targetGroupArn} is given twice for one container port.`);
    seen.add(key);
    const container = definition.containerDefinitions?.find((c) => c.name === containerName);
    if (container === undefined) {
      throw invalidParameter(`The container ${containerName} does not exist in the task definition.`);
    }
    const mapping = container.portMappings?.find((p) => p.containerPort === containerPort && p.protocol !== "udp");
    if (mapping === undefined) {
      throw invalidParameter(`The container ${containerName} did not have a container port ${containerPort} defined.`);
    }
    if (tables.targetGroups.get(targetGroupArn) === undefined) {
      throw invalidParameter(`The specified target group ${targetGroupArn} does not exist.`);
    }
    // The rule of a pair of groups is checked by checkShift, and may forward to the other one.
    if (
      advanced === undefined &&
      tables.listeners.count("targetGroup", targetGroupArn) +
        tables.listenerRules.count("targetGroup", targetGroupArn) ===
        0
    ) {
      throw invalidParameter(
        `The target group with targetGroupArn ${targetGroupArn} does not have an associated load balancer.`,
      );
    }
  }
}
