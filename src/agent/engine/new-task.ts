import type { Random } from "../../runtime/random.ts";
import type { TaskPayload } from "../payload/task-payload.ts";
import type { ContainerRecord, TaskRecord } from "./task-record.ts";

/**
 * The record of a task that was just accepted. All names the engine will know its containers and volumes by are chosen
 * here, so that saving this one record is enough to find everything that is ever made for it. `cgroup`: of a task that has limits of its own as a whole.
 */
export function newTask(payload: TaskPayload, sequence: number, random: Random, cgroup?: string): TaskRecord {
  const prefix = `ecs-${plain(payload.family ?? "task")}-${plain(payload.version ?? "0")}`;
  const containers = payload.containers.map(
    (container): ContainerRecord => ({
      name: container.name,
      dockerName: `${prefix}-${plain(container.name)}-${random.hex(10)}`,
      metadataId: random.uuid(),
      status: "NONE",
      restartCount: 0,
      bindings: [],
      rangeBindings: [],
    }),
  );
  const volumeNames: Record<string, string> = {};
  for (const volume of payload.volumes ?? []) {
    if (volume.host?.sourcePath) continue;
    const shared = volume.dockerVolumeConfiguration?.scope === "shared";
    volumeNames[volume.name] = shared ? volume.name : `${prefix}-${plain(volume.name)}-${random.hex(10)}`;
  }
  return {
    arn: payload.arn,
    payload,
    sequence,
    desiredStatus: "RUNNING",
    admitted: false,
    containers,
    volumeNames,
    ...(cgroup === undefined ? {} : { cgroup }),
    volumesReady: Object.keys(volumeNames).length === 0,
    reachedRunning: false,
    sent: { status: "NONE", fingerprint: "" },
  };
}

/** Letters, digits and hyphens only, as container names are made in ECS. */
function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9-]/g, "");
}
