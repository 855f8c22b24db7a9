export const PULL_BEHAVIOURS = ["default", "always", "once", "prefer-cached"] as const;
export type PullBehaviour = (typeof PULL_BEHAVIOURS)[number];

/** What an operator may choose about how tasks are run. */
export interface EngineSettings {
  readonly region: string;
  readonly cluster: string;
  readonly pullBehaviour: PullBehaviour;
  /** From SIGTERM to SIGKILL, for a container that does not say. At least 1. */
  readonly stopTimeoutSeconds: number;
  /** How long a stopped task's containers and volumes are kept. */
  readonly cleanupWaitMs: number;
  /** Where container metadata files are kept; absent: the feature is off. */
  readonly metadataDir?: string;
}

/** What containers are told about the host they run on. */
export interface HostIdentity {
  readonly containerInstanceArn: string;
  /** "i-" and 17 hex digits; also marks this agent's containers among others on the same daemon. */
  readonly instanceId: string;
  readonly availabilityZone: string;
  readonly privateIp: string;
  readonly hostName: string;
}
