import type { Instant } from "../runtime/clock.ts";

/** What the daemon says about itself. */
export interface RuntimeVersion {
  /** The engine's own version, such as "20.10.24". */
  readonly version: string;
  /** The highest API version it speaks, such as "1.41". */
  readonly apiVersion: string;
}

/** The machine behind the daemon. */
export interface RuntimeHost {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Names of the volume drivers it can use; "local" is always one of them. */
  readonly volumeDrivers: readonly string[];
  /** Who makes containers' control groups: "cgroupfs" (the engine itself), "systemd" or "none". */
  readonly cgroupDriver: string;
  /** "1" or "2". */
  readonly cgroupVersion: string;
  /** The engine runs without the rights of root. */
  readonly rootless: boolean;
  /** Of the engine's machine, as uname says it. */
  readonly kernel: string;
  /** For people: "Debian GNU/Linux 12", "Docker Desktop". */
  readonly operatingSystem: string;
}

/** An image that is present on the host. */
export interface ImageFacts {
  /** Content id: "sha256:…". */
  readonly id: string;
  /**
   * Digests ("sha256:…") by which it is known in the repository that was asked for. Empty: it was built, imported or given
   * its name on this host.
   */
  readonly repoDigests: readonly string[];
  /** Environment the image sets, as "NAME=value". */
  readonly environment: readonly string[];
}

export type Protocol = "tcp" | "udp";

/** A container port to publish. `hostPort` absent: the daemon picks a free one at each start. */
export interface PortWish {
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly hostPort?: number;
}

/** A published port as it really is. */
export interface PortBinding {
  readonly bindIP: string;
  readonly containerPort: number;
  readonly hostPort: number;
  readonly protocol: Protocol;
}

export interface Mount {
  /** A path on the host, or the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Everything needed to create one container. */
export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly entryPoint?: readonly string[];
  /** Relative weight, 2..262144. */
  readonly cpuShares: number;
  /** Hard limit of processor time, in processors (0.5 = half of one). */
  readonly cpuLimit?: number;
  /** Hard limit of memory. */
  readonly memoryMiB?: number;
  /** The control group that the container's own is made in, such as "/ecs/<task id>". Absent: where the engine makes them. */
  readonly cgroupParent?: string;
  readonly ports: readonly PortWish[];
  readonly mounts: readonly Mount[];
  /** Names or ids of containers whose volumes it shares. */
  readonly volumesFrom: readonly { readonly container: string; readonly readOnly: boolean }[];
  readonly links: readonly { readonly container: string; readonly alias: string }[];
  readonly networkMode?: string;
  readonly pidMode?: string;
  readonly ipcMode?: string;
  /** The task payload's own engine configuration (agent protocol, dockerConfig); laid over what the fields above say. */
  readonly overlay: {
    readonly config?: Readonly<Record<string, unknown>>;
    readonly hostConfig?: Readonly<Record<string, unknown>>;
  };
}

export type ContainerState = "created" | "running" | "exited";

export type HealthStatus = "HEALTHY" | "UNHEALTHY" | "UNKNOWN";

/** A container as the daemon sees it. */
export interface ContainerFacts {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly imageId: string;
  readonly state: ContainerState;
  readonly createdAt?: Instant;
  readonly startedAt?: Instant;
  readonly finishedAt?: Instant;
  /** Only of an exited container. */
  readonly exitCode?: number;
  readonly oomKilled: boolean;
  /** What the daemon says went wrong, if anything. */
  readonly error?: string;
  /** Absent: no health check, or none has finished yet. */
  readonly health?: {
    readonly status: HealthStatus;
    readonly since?: Instant;
    /** What the check that failed last wrote, if it is UNHEALTHY and wrote anything. */
    readonly output?: string;
  };
  readonly bindings: readonly PortBinding[];
  /** Networks it is attached to and its address on each. */
  readonly networks: readonly { readonly name: string; readonly ipv4?: string }[];
}

export interface ListedContainer {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
}

/** Something happened to a container; look at it. Says which, not what: the facts come from `inspect`. */
export interface ContainerEvent {
  readonly id: string;
  readonly action: "create" | "start" | "die" | "oom" | "health" | "destroy";
}

/** One reading of a container's use; counters grow from its start. */
export interface StatsSample {
  readonly at: Instant;
  readonly cpuNanos: number;
  readonly memoryBytes: number;
  /** Absent where the container has no network of its own. */
  readonly network?: Readonly<Record<NetworkCounter, number>>;
  readonly readBytes: number;
  readonly writeBytes: number;
}

export type NetworkCounter =
  | "rxBytes"
  | "rxDropped"
  | "rxErrors"
  | "rxPackets"
  | "txBytes"
  | "txDropped"
  | "txErrors"
  | "txPackets";

/** A line that a container wrote, to its standard output or error. */
export interface LogLine {
  readonly timestamp: Instant;
  /** Without its newline. */
  readonly message: string;
  /** In how many pieces the engine keeps it: 1, but for a very long line. */
  readonly pieces: number;
}

/** Which part of a log to read. */
export interface LogRange {
  /** Only the last so many pieces of lines. Absent: all. */
  readonly tail?: number;
  /** Only lines of that time or later. */
  readonly sinceMs?: Instant;
  readonly signal?: AbortSignal;
}

export interface WatchHandlers {
  /** The stream is open: every event from now on is delivered. What happened before must be inspected. */
  onConnected(): void;
  /** The daemon cannot be reached. Called once per loss. */
  onLost(error: Error): void;
  onEvent(event: ContainerEvent): void;
}

/** What the agent asks of a container engine. Each call rejects with a RuntimeError. */
export interface ContainerRuntime {
  version(): Promise<RuntimeVersion>;
  host(): Promise<RuntimeHost>;
  ping(): Promise<void>;
  image(reference: string): Promise<ImageFacts | undefined>;
  /**
   * The digest ("sha256:…") that its registry has for a reference now. Rejects with a RuntimeError if that cannot be
   * learned within `timeoutMs`.
   */
  registryDigest(reference: string, timeoutMs: number): Promise<string>;
  /** Fetches an image from its registry. `onProgress` is called with each message of the registry's answer. */
  pull(reference: string, options: { readonly onProgress: () => void; readonly signal: AbortSignal }): Promise<void>;
  /** Makes the container and returns its id. A taken name rejects with kind "conflict". */
  create(spec: ContainerSpec): Promise<string>;
  /** Starting a running container does nothing. */
  start(id: string): Promise<void>;
  /** Sends the stop signal, waits, then kills. Resolves when it is stopped; of a stopped container at once. */
  stop(id: string, timeoutSeconds: number): Promise<void>;
  kill(id: string, signal: string): Promise<void>;
  /** Kills if need be, and removes with its anonymous volumes. Of an absent container does nothing. */
  remove(id: string): Promise<void>;
  /** By id or by name. */
  inspect(idOrName: string): Promise<ContainerFacts | undefined>;
  /** All containers, stopped ones too, that carry the label (`name` or `name=value`). */
  list(label: string): Promise<readonly ListedContainer[]>;
  createVolume(volume: VolumeSpec): Promise<void>;
  hasVolume(name: string): Promise<boolean>;
  /** Of an absent volume does nothing. */
  removeVolume(name: string): Promise<void>;
  stats(id: string): Promise<StatsSample | undefined>;
  /** What the container wrote so far, standard output and error together; the last `tail` lines. */
  logs(id: string, tail: number): Promise<string>;
  /**
   * What the container wrote so far, running or stopped, line by line and oldest first. Its errors: "not-found" where there
   * is no such container, "unreadable" where its log is kept elsewhere. Leaving the loop ends the reading.
   */
  logLines(id: string, range: LogRange): AsyncIterable<LogLine>;
  /** Follows events until the returned function is called, reconnecting by itself. */
  watch(label: string, handlers: WatchHandlers): () => void;
}

export interface VolumeSpec {
  readonly name: string;
  readonly driver: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

export type RuntimeErrorKind =
  /** Nobody answered, or the answer broke off: what was asked may or may not have happened. */
  | "unreachable"
  /** No answer in the time allowed. */
  | "timeout"
  | "not-found"
  | "conflict"
  /** The container's log is kept where the daemon cannot read it. */
  | "unreadable"
  /** The daemon refused or failed. */
  | "failed";

/** Why a call to the engine did not succeed. `message` is the daemon's own text. */
export class RuntimeError extends Error {
  readonly kind: RuntimeErrorKind;

  constructor(kind: RuntimeErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RuntimeError";
    this.kind = kind;
  }
}

/** True if the daemon did not answer, so that the outcome is unknown and must be looked up. */
export function outcomeUnknown(error: unknown): boolean {
  return error instanceof RuntimeError && (error.kind === "unreachable" || error.kind === "timeout");
}
