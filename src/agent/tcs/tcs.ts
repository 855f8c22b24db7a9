import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { type TaskRecord, taskStatus } from "../engine/task-record.ts";
import { type TaskHealth, taskHealth } from "./health.ts";
import { containerMetrics, type Sampler } from "./metrics.ts";

const PUBLISH_MS = 20_000;
const TASKS_PER_MESSAGE = 10;

export interface TelemetryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly cluster: string;
  readonly containerInstanceArn: string;
  readonly tasks: () => Iterable<TaskRecord>;
  readonly sampler: Sampler;
  /** Whether the container engine answers. */
  readonly engineIsUp: () => boolean;
  /** Sends one message, if the session is open. */
  readonly send: (type: string, message: object) => void;
}

/** Publishes health, metrics and the instance's status over TCS (agent protocol, 4.3 and 4.4). */
export interface Telemetry {
  /** A session is open: everything is published now, and every 20 seconds from now. */
  opened(): void;
  /** Something about a task changed: its health is published at once if that did. */
  noticed(task: TaskRecord): void;
  publishInstanceStatus(): void;
  close(): void;
}

export function telemetry(deps: TelemetryDeps): Telemetry {
  const { clock, random, send } = deps;
  const told = new Map<string, string>();
  let timer: Timer | undefined;
  let status: { readonly value: string; readonly since: number } | undefined;
  const about = { cluster: deps.cluster, containerInstance: deps.containerInstanceArn };
  const now = () => clock.now() / 1000;

  function publishHealth(tasks: readonly TaskHealth[]): void {
    const messageId = random.uuid();
    for (let at = 0; at < tasks.length; at += TASKS_PER_MESSAGE) {
      const metadata = { ...about, fin: at + TASKS_PER_MESSAGE >= tasks.length, messageId };
      send("PublishHealthRequest", { metadata, timestamp: now(), tasks: tasks.slice(at, at + TASKS_PER_MESSAGE) });
    }
  }

  function publishMetrics(): void {
    const messageId = random.uuid();
    const metrics = [...deps.tasks()].flatMap((task) => taskMetrics(task, deps.sampler));
    if (metrics.length === 0) {
      send("PublishMetricsRequest", { metadata: { ...about, idle: true, fin: true, messageId }, timestamp: now() });
      return;
    }
    for (let at = 0; at < metrics.length; at += TASKS_PER_MESSAGE) {
      const metadata = { ...about, idle: false, fin: at + TASKS_PER_MESSAGE >= metrics.length, messageId };
      send("PublishMetricsRequest", {
        metadata,
        timestamp: now(),
        taskMetrics: metrics.slice(at, at + TASKS_PER_MESSAGE),
      });
    }
  }

  function publishInstanceStatus(): void {
    const value = deps.engineIsUp() ? "OK" : "IMPAIRED";
    if (status?.value !== value) status = { value, since: now() };
    send("PublishInstanceStatusRequest", {
      metadata: { ...about, requestId: random.uuid() },
      timestamp: now(),
      statuses: [
        {
          type: "ContainerRuntime",
          status: value,
          statusReason: "",
          lastUpdated: now(),
          lastStatusChange: status.since,
        },
      ],
    });
  }

  function publishAll(): void {
    timer?.cancel();
    timer = clock.after(PUBLISH_MS, publishAll);
    publishHealth([...deps.tasks()].map(taskHealth).filter((it) => it !== undefined));
    publishMetrics();
  }

  return {
    opened() {
      publishInstanceStatus();
      publishAll();
    },
    noticed(task) {
      const health = taskHealth(task);
      if (!health) {
        told.delete(task.arn);
        return;
      }
      const text = JSON.stringify(health.containers);
      if (told.get(task.arn) === text) return;
      told.set(task.arn, text);
      publishHealth([health]);
    },
    publishInstanceStatus,
    close: () => timer?.cancel(),
  };
}

function taskMetrics(task: TaskRecord, sampler: Sampler): object[] {
  if (taskStatus(task) !== "RUNNING") return [];
  const containers = task.containers.flatMap((container) => {
    const points = sampler.take(container);
    return points.length > 0 ? [containerMetrics(container, points)] : [];
  });
  if (containers.length === 0) return [];
  const { family = "", version = "" } = task.payload;
  return [
    { taskArn: task.arn, taskDefinitionFamily: family, taskDefinitionVersion: version, containerMetrics: containers },
  ];
}
