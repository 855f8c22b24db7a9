import type { Attribute } from "@aws-sdk/client-ecs";
import { TASK_LOGS_ATTRIBUTE } from "./acs/task-logs.ts";
import { compareApiVersions } from "./docker/api-version.ts";

/** Logging drivers an operator may offer; all are the Docker daemon's own (agent protocol, 7.2). */
export const LOGGING_DRIVERS = [
  ...[
    "none",
    "json-file",
    "syslog",
    "journald",
    "gelf",
    "fluentd",
    "awslogs",
    "splunk",
    "logentries",
    "sumologic",
    "local",
  ],
] as const;

/** API versions that ECS has attributes for; newer ones have none. */
const REMOTE_API_VERSIONS = [
  ...["1.17", "1.18", "1.19", "1.20", "1.21", "1.22", "1.23", "1.24", "1.25", "1.28", "1.29", "1.30", "1.32"],
];

const OLDER = "com.amazonaws.ecs.capability.";
const NEWER = "ecs.capability.";

/** What the engine of this agent carries out, in ECS's names and one of our own. What is not here is refused when a task asks for it. */
const CARRIED_OUT = [
  `${OLDER}privileged-container`,
  `${NEWER}container-ordering`,
  `${NEWER}container-health-check`,
  `${NEWER}container-restart-policy`,
  `${NEWER}network.container-port-range`,
  `${NEWER}full-sync`,
  TASK_LOGS_ATTRIBUTE,
];

export interface CapabilityFacts {
  /** The daemon's highest API version. */
  readonly apiVersion: string;
  readonly volumeDrivers: readonly string[];
  readonly loggingDrivers: readonly string[];
  /** A task as a whole can be held to its cpu and memory here. */
  readonly taskLimits: boolean;
  /** Node's name: "x64", "arm64". */
  readonly architecture: string;
}

/** The attributes that tell the control plane which tasks can run here. Sent with every registration. */
export function capabilityAttributes(facts: CapabilityFacts): Attribute[] {
  const names = [
    ...CARRIED_OUT,
    ...(facts.taskLimits ? [`${NEWER}task-cpu-mem-limit`] : []),
    ...REMOTE_API_VERSIONS.filter((it) => compareApiVersions(it, facts.apiVersion) <= 0).map(
      (it) => `${OLDER}docker-remote-api.${it}`,
    ),
    ...facts.loggingDrivers.map((it) => `${OLDER}logging-driver.${it}`),
    ...facts.volumeDrivers.map((it) => `${NEWER}docker-plugin.${it}`),
  ];
  return [
    ...names.map((name) => ({ name })),
    { name: "ecs.os-type", value: "linux" },
    { name: "ecs.os-family", value: "LINUX" },
    { name: "ecs.os-type-detailed", value: "LINUX" },
    { name: "ecs.cpu-architecture", value: ecsArchitecture(facts.architecture) },
  ];
}

/** ECS says x86_64 where Node says x64. */
export function ecsArchitecture(architecture: string): string {
  return architecture === "x64" ? "x86_64" : architecture;
}
