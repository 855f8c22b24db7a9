import assert from "node:assert/strict";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { TaskLimitSupport } from "../cgroup/support.ts";
import type { ContainerRuntime } from "../container-runtime.ts";
import { type TaskEngine, taskEngine } from "../engine/engine.ts";
import type { PullBehaviour } from "../engine/settings.ts";
import { readPayloadTask } from "../payload/task-payload.ts";
import { type FakeDaemon, fakeDaemon } from "./fake-runtime.ts";
import { type MemoryState, memoryState } from "./memory-state.ts";

/** An engine on the fake daemon, for tests. */

export const ARN = "arn:aws:ecs:us-east-1:000000000000:task/default/t1";

export interface Bench {
  readonly clock: ManualClock;
  readonly daemon: FakeDaemon;
  readonly state: MemoryState;
  readonly engine: TaskEngine;
}

export function bench(
  options: {
    daemon?: FakeDaemon;
    clock?: ManualClock;
    state?: MemoryState;
    runtime?: ContainerRuntime;
    pullBehaviour?: PullBehaviour;
    cpu?: number;
    taskLimits?: TaskLimitSupport;
  } = {},
): Bench {
  const clock = options.clock ?? new ManualClock();
  const daemon = options.daemon ?? fakeDaemon(clock);
  const state = options.state ?? memoryState();
  const engine = taskEngine({
    runtime: options.runtime ?? daemon.connect(),
    state,
    clock,
    random: seededRandom(state.loadTasks().length + 1),
    log: silentLog(),
    settings: {
      region: "us-east-1",
      cluster: "default",
      pullBehaviour: options.pullBehaviour ?? "default",
      stopTimeoutSeconds: 30,
      cleanupWaitMs: 60_000,
    },
    host: {
      containerInstanceArn: "arn",
      instanceId: "i-0",
      availabilityZone: "a",
      privateIp: "10.0.0.1",
      hostName: "h",
    },
    resources: { cpu: options.cpu ?? 2048, memoryMiB: 4096, ports: new Set() },
    taskLimits: options.taskLimits ?? { kind: "unsupported", why: "this is a test" },
    onChange: () => undefined,
  });
  engine.start();
  return { clock, daemon, state, engine };
}

export const start = (containers: object[], more: object = {}) =>
  readPayloadTask({
    arn: ARN,
    family: "web",
    version: "1",
    desiredStatus: "RUNNING",
    containers: containers.map((it) => ({ image: "image", ...it })),
    ...more,
  });
export const stop = { kind: "stop", arn: ARN } as const;

/** Lets everything that needs no time happen. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Lets time pass in steps until the condition holds. */
export async function until(clock: ManualClock, what: string, holds: () => boolean): Promise<void> {
  for (let step = 0; step < 40; step++) {
    await quiet();
    if (holds()) return;
    clock.advance(500);
  }
  assert.fail(`never: ${what}`);
}
