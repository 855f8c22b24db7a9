import type { ContainerDefinition, ContainerOverride } from "@aws-sdk/client-ecs";
import { withDigest } from "../model/image-reference.ts";
import { type DockerConfig, dockerConfig } from "./payload-docker.ts";

/** A container as an agent is told of it. Source: agent protocol, Container object. */
export interface ContainerPayload {
  readonly name: string;
  readonly image: string;
  readonly containerArn?: string;
  readonly essential: boolean;
  readonly command?: readonly string[];
  readonly entryPoint?: readonly string[];
  /** Units. */
  readonly cpu: number;
  /** MiB; the hard limit. 0 means none. */
  readonly memory: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly portMappings: readonly PortMappingPayload[];
  readonly mountPoints: readonly {
    readonly sourceVolume: string;
    readonly containerPath: string;
    readonly readOnly: boolean;
  }[];
  readonly volumesFrom: readonly { readonly sourceContainer: string; readonly readOnly: boolean }[];
  readonly links?: readonly string[];
  readonly dependsOn?: readonly { readonly containerName: string; readonly condition: string }[];
  /** Seconds. */
  readonly startTimeout?: number;
  readonly stopTimeout?: number;
  readonly dockerConfig: DockerConfig;
  readonly healthCheckType?: "docker";
  readonly restartPolicy?: {
    readonly enabled: boolean;
    readonly ignoredExitCodes: readonly number[];
    readonly restartAttemptPeriod: number;
  };
}

export interface PortMappingPayload {
  readonly containerPort?: number;
  /** 0: the agent picks one. */
  readonly hostPort?: number;
  readonly containerPortRange?: string;
  readonly protocol: "tcp" | "udp";
}

/** Seconds; what ECS takes for restartAttemptPeriod when none is given. */
const RESTART_ATTEMPT_PERIOD = 300;

/** A container with its overrides merged in, since an agent merges none but the command. */
export function containerPayload(
  container: ContainerDefinition,
  override: ContainerOverride | undefined,
  of: { readonly networkMode: string; readonly arn: string | undefined; readonly pinnedDigest: string | undefined },
): ContainerPayload {
  const memory = override?.memory ?? container.memory ?? 0;
  const memoryReservation = override?.memoryReservation ?? container.memoryReservation;
  return {
    name: container.name ?? "",
    image: of.pinnedDigest === undefined ? (container.image ?? "") : withDigest(container.image ?? "", of.pinnedDigest),
    containerArn: of.arn,
    essential: container.essential ?? true,
    command: override?.command ?? container.command,
    entryPoint: container.entryPoint,
    cpu: override?.cpu ?? container.cpu ?? 0,
    memory,
    environment: environmentOf(container, override),
    portMappings: (container.portMappings ?? []).map((mapping) => ({
      containerPort: mapping.containerPort,
      hostPort: mapping.containerPortRange === undefined ? (mapping.hostPort ?? 0) : undefined,
      containerPortRange: mapping.containerPortRange,
      // ECS treats any protocol but udp as tcp.
      protocol: mapping.protocol === "udp" ? "udp" : "tcp",
    })),
    mountPoints: (container.mountPoints ?? []).map((mount) => ({
      sourceVolume: mount.sourceVolume ?? "",
      containerPath: mount.containerPath ?? "",
      readOnly: mount.readOnly ?? false,
    })),
    volumesFrom: (container.volumesFrom ?? []).map((from) => ({
      sourceContainer: from.sourceContainer ?? "",
      readOnly: from.readOnly ?? false,
    })),
    links: container.links,
    dependsOn: container.dependsOn?.map((d) => ({
      containerName: d.containerName ?? "",
      condition: d.condition ?? "",
    })),
    startTimeout: container.startTimeout,
    stopTimeout: container.stopTimeout,
    dockerConfig: dockerConfig(container, { networkMode: of.networkMode, memory, memoryReservation }),
    healthCheckType: container.healthCheck === undefined ? undefined : "docker",
    restartPolicy: restartPolicyOf(container),
  };
}

/** The definition's environment, the call's over it, and what ECS adds to every container. */
function environmentOf(
  container: ContainerDefinition,
  override: ContainerOverride | undefined,
): Readonly<Record<string, string>> {
  const pairs = [...(container.environment ?? []), ...(override?.environment ?? [])];
  // fromEntries makes own properties of every name, "__proto__" too.
  return Object.fromEntries([
    ["AWS_EXECUTION_ENV", "AWS_ECS_EC2"],
    ...pairs.map(({ name = "", value = "" }) => [name, value] as const),
  ]);
}

function restartPolicyOf({ restartPolicy }: ContainerDefinition): ContainerPayload["restartPolicy"] {
  if (restartPolicy === undefined) return undefined;
  return {
    enabled: restartPolicy.enabled ?? false,
    ignoredExitCodes: restartPolicy.ignoredExitCodes ?? [],
    restartAttemptPeriod: restartPolicy.restartAttemptPeriod ?? RESTART_ATTEMPT_PERIOD,
  };
}
