import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ContainerRuntime, NetworkCounter, StatsSample } from "../container-runtime.ts";
import { limiter } from "../engine/limiter.ts";
import type { ContainerRecord, TaskRecord } from "../engine/task-record.ts";

/** Between two readings of a container: five to a publishing period. */
const SAMPLE_MS = 4_000;
const PARALLEL_SAMPLES = 8;
const BYTES_PER_MIB = 1024 * 1024;
/** No more than a few periods' worth is kept of a container while the session is down. */
const MAX_POINTS = 50;

/** One reading made comparable: shares and sizes rather than growing counters. */
export interface UsagePoint {
  /** Of all the host's processors together, in percent. */
  readonly cpuPercent: number;
  readonly memoryMiB: number;
  readonly network?: Readonly<Record<NetworkCounter, number>>;
  readonly rxBytesPerSecond: number;
  readonly txBytesPerSecond: number;
  readonly readBytes: number;
  readonly writeBytes: number;
}

/** What lies between two readings; undefined if no time does, or the container was restarted between them. */
export function usageBetween(before: StatsSample, after: StatsSample, cpus: number): UsagePoint | undefined {
  const elapsedMs = after.at - before.at;
  if (elapsedMs <= 0 || after.cpuNanos < before.cpuNanos) return undefined;
  const perSecond = (counter: "rxBytes" | "txBytes") =>
    Math.max(0, ((after.network?.[counter] ?? 0) - (before.network?.[counter] ?? 0)) / (elapsedMs / 1000));
  return {
    cpuPercent: ((after.cpuNanos - before.cpuNanos) / (elapsedMs * 1e6 * cpus)) * 100,
    memoryMiB: Math.round(after.memoryBytes / BYTES_PER_MIB),
    network: after.network,
    rxBytesPerSecond: perSecond("rxBytes"),
    txBytesPerSecond: perSecond("txBytes"),
    readBytes: after.readBytes,
    writeBytes: after.writeBytes,
  };
}

/** min, max, count and sum of some readings, as ECS's statistic sets are. */
export function statisticSet(values: readonly number[]) {
  return {
    min: Math.min(...values),
    max: Math.max(...values),
    sampleCount: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
  };
}

/** The metrics of one container over a period, in the shape of PublishMetricsRequest (agent protocol, 4.3). */
export function containerMetrics(container: ContainerRecord, points: readonly UsagePoint[]): object {
  const of = (value: (point: UsagePoint) => number) => statisticSet(points.map(value));
  const counters = Object.keys(points.at(-1)?.network ?? {}) as NetworkCounter[];
  return {
    containerName: container.name,
    cpuStatsSet: of((it) => it.cpuPercent),
    memoryStatsSet: of((it) => it.memoryMiB),
    ...(counters.length > 0
      ? {
          networkStatsSet: {
            ...Object.fromEntries(counters.map((name) => [name, of((it) => it.network?.[name] ?? 0)])),
            rxBytesPerSecond: of((it) => it.rxBytesPerSecond),
            txBytesPerSecond: of((it) => it.txBytesPerSecond),
          },
        }
      : {}),
    storageStatsSet: { readSizeBytes: of((it) => it.readBytes), writeSizeBytes: of((it) => it.writeBytes) },
    restartStatsSet: { restartCount: container.restartCount },
  };
}

/** Reads the use of all running containers from time to time. */
export interface Sampler {
  start(): void;
  /** What was read of a container since the last call for it. */
  take(container: ContainerRecord): readonly UsagePoint[];
  close(): void;
}

export interface SamplerDeps {
  readonly runtime: ContainerRuntime;
  readonly clock: Clock;
  readonly cpus: number;
  readonly tasks: () => Iterable<TaskRecord>;
  /** No readings are tried while the daemon is away. */
  readonly connected: () => boolean;
}

export function sampler({ runtime, clock, cpus, tasks, connected }: SamplerDeps): Sampler {
  const limited = limiter(PARALLEL_SAMPLES);
  const last = new WeakMap<ContainerRecord, StatsSample>();
  const points = new WeakMap<ContainerRecord, UsagePoint[]>();
  let timer: Timer | undefined;
  let closed = false;

  async function read(container: ContainerRecord, id: string): Promise<void> {
    const sample = await runtime.stats(id).catch(() => undefined); // A reading that is missed is not worth a word.
    if (!sample) return;
    const before = last.get(container);
    last.set(container, sample);
    const point = before && usageBetween(before, sample, cpus);
    if (point) points.set(container, [...(points.get(container) ?? []), point].slice(-MAX_POINTS));
  }

  async function round(): Promise<void> {
    const reads: Promise<void>[] = [];
    if (connected())
      for (const task of tasks())
        for (const container of task.containers)
          if (container.status === "RUNNING" && container.runtimeId) {
            const id = container.runtimeId;
            reads.push(limited(() => read(container, id)));
          }
    await Promise.all(reads);
    if (!closed) timer = clock.after(SAMPLE_MS, () => void round());
  }

  return {
    start: () => void round(),
    take(container) {
      const taken = points.get(container) ?? [];
      points.delete(container);
      return taken;
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}
