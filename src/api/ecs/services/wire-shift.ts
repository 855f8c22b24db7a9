import type {
  DeploymentConfiguration,
  DeploymentLifecycleHook,
  LoadBalancer,
  ServiceDeployment,
  ServiceRevisionSummary,
} from "@aws-sdk/client-ecs";
import { type DeploymentRecord, type ServiceLoadBalancer, taskLoadBalancersOf } from "../../../model/deployment.ts";
import { NO_CIRCUIT_BREAKER, type ServiceRecord } from "../../../model/service.ts";
import type { ServiceDeploymentRecord } from "../../../model/service-deployment.ts";
import type { HookRun, LifecycleHook, ShiftSettings } from "../../../model/traffic-shift.ts";

export function toWireLoadBalancer({ advanced, ...primary }: ServiceLoadBalancer): LoadBalancer {
  return advanced === undefined ? primary : { ...primary, advancedConfiguration: { ...advanced } };
}

/** The target groups that a revision really uses. Source: ECS API reference, ServiceRevision.resolvedConfiguration. */
export function toWireResolved(revision: Pick<DeploymentRecord, "loadBalancers" | "usesAlternate">) {
  return {
    loadBalancers: taskLoadBalancersOf(revision).map(({ targetGroupArn }, i) => {
      const advanced = revision.loadBalancers[i]?.advanced;
      if (advanced === undefined) return { targetGroupArn };
      return { targetGroupArn, productionListenerRule: advanced.productionListenerRule };
    }),
  };
}

export function toWireDeploymentConfiguration(
  settings: Pick<ServiceRecord, "minimumHealthyPercent" | "maximumPercent" | "circuitBreaker" | "shift">,
): DeploymentConfiguration {
  return {
    deploymentCircuitBreaker: settings.circuitBreaker ?? NO_CIRCUIT_BREAKER,
    maximumPercent: settings.maximumPercent,
    minimumHealthyPercent: settings.minimumHealthyPercent,
    ...(settings.shift === undefined ? { strategy: "ROLLING", bakeTimeInMinutes: 0 } : toWireShift(settings.shift)),
  };
}

function toWireShift({ strategy, bakeTimeMinutes, linear, canary, hooks }: ShiftSettings): DeploymentConfiguration {
  return {
    strategy,
    bakeTimeInMinutes: bakeTimeMinutes,
    ...(hooks.length === 0 ? {} : { lifecycleHooks: hooks.map(toWireHook) }),
    ...(linear === undefined
      ? {}
      : {
          linearConfiguration: {
            stepPercent: linear.stepPercent,
            stepBakeTimeInMinutes: linear.stepBakeTimeMinutes,
          },
        }),
    ...(canary === undefined
      ? {}
      : {
          canaryConfiguration: {
            canaryPercent: canary.canaryPercent,
            canaryBakeTimeInMinutes: canary.canaryBakeTimeMinutes,
          },
        }),
  };
}

function toWireHook(hook: LifecycleHook): DeploymentLifecycleHook {
  return {
    targetType: hook.targetType,
    hookTargetArn: hook.taskDefinitionArn,
    roleArn: hook.roleArn,
    lifecycleStages: [...hook.stages],
    hookDetails: hook.hookDetails,
    timeoutConfiguration: { timeoutInMinutes: hook.timeoutMinutes, action: hook.timeoutAction },
  };
}

/** Where a deployment is that shifts traffic; nothing for one that does not. */
export function toWireStage({
  shift,
  settings,
}: ServiceDeploymentRecord): Pick<ServiceDeployment, "lifecycleStage" | "lifecycleHookDetails"> {
  if (shift === undefined) return {};
  return {
    // The model's list lacks a value that the API reference has.
    lifecycleStage: shift.stage as ServiceDeployment["lifecycleStage"],
    lifecycleHookDetails: shift.hooks.map((run) => toWireRun(run, settings.shift?.hooks[run.hook])),
  };
}

function toWireRun(run: HookRun, hook: LifecycleHook | undefined) {
  return {
    hookId: run.id,
    targetType: hook?.targetType,
    targetArn: hook?.taskDefinitionArn,
    status: run.status,
    expiresAt: new Date(run.expiresAt),
    timeoutAction: hook?.timeoutAction,
  };
}

type Weights = Pick<ServiceRevisionSummary, "requestedProductionTrafficWeight" | "requestedTestTrafficWeight">;

/** The share of traffic that the revision of a service deployment has: the target, or the source that has the rest. */
export function toWireWeights({ shift }: ServiceDeploymentRecord, which: "target" | "source" | "other"): Weights {
  if (shift === undefined) return {};
  const of = (percent: number) => (which === "target" ? percent : which === "source" ? 100 - percent : 0);
  return {
    requestedProductionTrafficWeight: of(shift.production),
    requestedTestTrafficWeight: of(shift.test),
  };
}
