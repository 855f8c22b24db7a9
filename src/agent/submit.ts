import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { type EcsApi, EcsCallError, type TaskStateChange } from "./ecs-api.ts";
import { limiter } from "./engine/limiter.ts";
import { fingerprint, nextReport, type TaskReport } from "./engine/report.ts";
import type { TaskRecord } from "./engine/task-record.ts";

/** Calls at a time, over all tasks. A task has one at most: its reports arrive in order. */
const PARALLEL = 10;
/** News of single containers waits a little for more of it. A task's own change of status does not wait. */
const GATHER_MS = 1_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 5_000;
/** A refusal that will most likely be repeated. */
const REFUSED_RETRY_MS = 30_000;

export interface SubmitterDeps {
  readonly api: EcsApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly cluster: string;
  /** `task.sent` was brought up to date. */
  readonly acknowledged: (task: TaskRecord) => void;
}

/** Tells the control plane of tasks until it has acknowledged their present state. */
export interface Submitter {
  /** Something about the task changed; it is looked at, and told of if there is news. */
  noticed(task: TaskRecord): void;
  /** Tells that a task which is not, or cannot be, kept here is STOPPED. */
  tellStopped(arn: string, reason: string): void;
  close(): void;
}

export function submitter({ api, clock, random, log, cluster, acknowledged }: SubmitterDeps): Submitter {
  const limited = limiter(PARALLEL);
  const busy = new Set<string>();
  const stop = new AbortController();

  /** Calls until it is taken; "dropped" if the control plane does not know the task. */
  async function deliver(arn: string, report: () => TaskStateChange | undefined): Promise<"taken" | "dropped"> {
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(MAX_RETRY_MS, delayMs * 2)) {
      let failure: unknown;
      const change = report();
      if (!change) return "taken";
      try {
        await limited(() => api.submitTaskStateChange(change));
        return "taken";
      } catch (error) {
        if (error instanceof EcsCallError && error.code === "InvalidParameterException") {
          log.warn(
            { task: arn, error: error.message },
            "the control plane does not know this task; its report is dropped",
          );
          return "dropped";
        }
        failure = error;
      }
      const passing = failure instanceof EcsCallError && failure.passing;
      log.warn({ task: arn, error: String(failure) }, "a report was not taken; it is sent again");
      await clock.sleep(passing ? delayMs * (0.5 + random.next()) : REFUSED_RETRY_MS, stop.signal);
    }
  }

  async function tell(task: TaskRecord): Promise<void> {
    for (let report = nextReport(task); report; report = nextReport(task)) {
      if (report.status === "PENDING" || report.status === task.sent.status) {
        await clock.sleep(GATHER_MS, stop.signal);
        report = nextReport(task);
      }
      let last: TaskReport | undefined = report;
      const outcome = await deliver(task.arn, () => {
        last = nextReport(task);
        return last && wireChange(cluster, last);
      });
      if (!last) return;
      const status = outcome === "dropped" && last.status === "PENDING" ? task.sent.status : last.status;
      task.sent = { status: status === "PENDING" ? "NONE" : status, fingerprint: fingerprint(last) };
      acknowledged(task);
    }
  }

  return {
    noticed(task) {
      if (busy.has(task.arn) || stop.signal.aborted || !nextReport(task)) return;
      busy.add(task.arn);
      tell(task)
        .catch((error) => {
          if (!stop.signal.aborted) log.error({ task: task.arn, error: String(error) }, "telling of a task failed");
        })
        .finally(() => busy.delete(task.arn));
    },
    tellStopped(arn, reason) {
      const change = { cluster, task: arn, status: "STOPPED", reason: reason.slice(0, 1024) };
      deliver(arn, () => change).catch((error) => {
        if (!stop.signal.aborted) log.error({ task: arn, error: String(error) }, "telling of a task failed");
      });
    },
    close: () => stop.abort(),
  };
}

/** A report in the shape of SubmitTaskStateChange (agent protocol, 3.1). */
export function wireChange(cluster: string, report: TaskReport): TaskStateChange {
  return {
    cluster,
    task: report.task,
    status: report.status,
    reason: report.reason,
    pullStartedAt: dateOf(report.pullStartedAt),
    pullStoppedAt: dateOf(report.pullStoppedAt),
    executionStoppedAt: dateOf(report.executionStoppedAt),
    containers: report.containers.map((it) => ({
      containerName: it.containerName,
      runtimeId: it.runtimeId,
      imageDigest: it.imageDigest,
      status: it.status,
      exitCode: it.exitCode,
      reason: it.reason,
      networkBindings: [...it.bindings, ...it.rangeBindings.map((range) => ({ bindIP: "0.0.0.0", ...range }))],
    })),
  };
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms);
}
