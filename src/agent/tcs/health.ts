import { payloadOf, type TaskRecord, taskStatus } from "../engine/task-record.ts";

/** The health of one task's containers, in the shape of PublishHealthRequest (agent protocol, 4.3). */
export interface TaskHealth {
  readonly taskArn: string;
  readonly taskDefinitionFamily: string;
  readonly taskDefinitionVersion: string;
  readonly containers: readonly {
    readonly containerName: string;
    readonly healthStatus: "HEALTHY" | "UNHEALTHY" | "UNKNOWN";
    /** Seconds since the epoch. */
    readonly statusSince: number;
    /** Berth's own: what the check wrote that made it UNHEALTHY. */
    readonly healthOutput?: string;
  }[];
}

/** Of a task that runs and has a container with a health check; undefined of any other. */
export function taskHealth(task: TaskRecord): TaskHealth | undefined {
  if (taskStatus(task) !== "RUNNING") return undefined;
  const checked = task.containers.filter((it) => payloadOf(task, it).healthCheckType === "docker");
  if (checked.length === 0) return undefined;
  return {
    taskArn: task.arn,
    taskDefinitionFamily: task.payload.family ?? "",
    taskDefinitionVersion: task.payload.version ?? "",
    containers: checked.map((it) => ({
      containerName: it.name,
      healthStatus: it.health?.status ?? "UNKNOWN",
      statusSince: (it.health?.since ?? it.startedAt ?? it.createdAt ?? 0) / 1000,
      healthOutput: it.health?.output,
    })),
  };
}
