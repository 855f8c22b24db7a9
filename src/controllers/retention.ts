import { REQUEST_TOKEN_RETENTION_MS } from "../model/request-token.ts";
import type { ServiceRecord } from "../model/service.ts";
import {
  deploymentIdOf,
  SERVICE_DEPLOYMENT_RETENTION_MS,
  type ServiceDeploymentRecord,
  type ServiceRevisionRecord,
} from "../model/service-deployment.ts";
import { STOPPED_TASK_LISTED_MS, type TaskRecord } from "../model/task.ts";
import type { Instant, Timer } from "../runtime/clock.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import type { ControllerContext } from "./context.ts";
import { DEFAULT_RETENTION_SETTINGS, type RetentionSettings } from "./retention-settings.ts";

/** Between two looks for what may be forgotten, in milliseconds. */
const LOOK_MS = 60_000;
/** The wait before the next step while there is more to forget: other work goes first. */
const PAUSE_MS = 100;
/** Records removed in one transaction at most. */
export const MAX_PER_STEP = 200;
/** How long deleted services and deregistered container instances stay describable. */
export const INACTIVE_RETENTION_MS = 24 * 60 * 60 * 1000;
/** How long a task definition that is being deleted stays describable. */
export const DELETED_DEFINITION_RETENTION_MS = 60 * 60 * 1000;
/** Of what a cluster keeps, the tasks of one service are at most this part: one crash loop leaves the others theirs. */
const SERVICE_SHARE = 1 / 10;

/** One kind of record, and which of it may be forgotten. */
interface Rule {
  readonly find: (tables: BerthView, now: Instant, settings: RetentionSettings) => Iterable<string>;
  readonly remove: (tx: BerthTransaction, key: string) => void;
}

const RULES: readonly Rule[] = [
  {
    find: (tables, now, settings) => forgettableTasks(tables.tasks.where("stopped", "yes"), now, settings),
    remove: (tx, key) => tx.tasks.delete(key),
  },
  {
    find: (tables, now) =>
      [...tables.requestTokens.all()]
        .filter((token) => isPast(token.createdAt, REQUEST_TOKEN_RETENTION_MS, now))
        .map((token) => token.key),
    remove: (tx, key) => tx.requestTokens.delete(key),
  },
  {
    find: (tables, now) =>
      [...tables.containerInstances.all()]
        .filter((i) => i.status === "INACTIVE" && isPast(i.deregisteredAt, INACTIVE_RETENTION_MS, now))
        .map((instance) => instance.arn),
    remove: (tx, key) => tx.containerInstances.delete(key),
  },
  {
    find: (tables, now) =>
      [...tables.serviceDeployments.all()].filter((d) => isForgettable(tables, d, now)).map((d) => d.arn),
    remove: (tx, key) => tx.serviceDeployments.delete(key),
  },
  {
    // A revision goes with the last service deployment that brought it, unless it is still one of the service's.
    find: (tables) =>
      [...tables.serviceRevisions.all()]
        .filter((r) => tables.serviceDeployments.count("targetRevision", r.arn) === 0 && !isDeployed(tables, r))
        .map((revision) => revision.arn),
    remove: (tx, key) => tx.serviceRevisions.delete(key),
  },
  {
    find: (tables, now) => [...tables.services.all()].filter((s) => isGone(s, now)).map((service) => service.arn),
    remove: (tx, key) => {
      for (const event of tx.serviceEvents.where("service", key)) {
        tx.serviceEvents.delete(`${event.serviceArn}|${String(event.sequence).padStart(12, "0")}`);
      }
      tx.services.delete(key);
    },
  },
  {
    find: (tables, now) =>
      tables.taskDefinitions
        .where("status", "DELETE_IN_PROGRESS")
        .filter((d) => isPast(d.deleteRequestedAt, DELETED_DEFINITION_RETENTION_MS, now) && !isInUse(tables, d.arn))
        .map((definition) => definition.arn),
    remove: (tx, key) => {
      if (!isInUse(tx, key)) tx.taskDefinitions.delete(key);
    },
  },
];

/**
 * The stopped tasks that may be forgotten: those that are too old, and beyond an hour (which ECS promises for all) those that
 * are too many in their service or cluster, the oldest first.
 */
function forgettableTasks(stopped: readonly TaskRecord[], now: Instant, settings: RetentionSettings): string[] {
  const forgotten = new Set<string>();
  const bounded: TaskRecord[] = [];
  for (const task of stopped) {
    if (isPast(task.stoppedAt, settings.stoppedTaskMs, now)) forgotten.add(task.arn);
    else if (isPast(task.stoppedAt, STOPPED_TASK_LISTED_MS, now)) bounded.push(task);
  }
  const drop = (groups: Iterable<TaskRecord[]>, limit: number) => {
    for (const group of groups) {
      const left = group.filter((task) => !forgotten.has(task.arn));
      if (left.length <= limit) continue;
      const inOrder = left.toSorted((a, b) => (a.stoppedAt ?? 0) - (b.stoppedAt ?? 0));
      for (const task of inOrder.slice(0, left.length - limit)) forgotten.add(task.arn);
    }
  };
  const ofServices = bounded.filter((task) => task.serviceArn !== undefined);
  drop(
    Map.groupBy(ofServices, (task) => task.serviceArn).values(),
    Math.ceil(settings.stoppedTaskLimit * SERVICE_SHARE),
  );
  drop(Map.groupBy(bounded, (task) => task.clusterArn).values(), settings.stoppedTaskLimit);
  return [...forgotten];
}

function isGone(service: ServiceRecord, now: Instant): boolean {
  return service.status === "INACTIVE" && isPast(service.deletedAt, INACTIVE_RETENTION_MS, now);
}

/** It has been over for 90 days, or its service is gone or is another one of the same name. */
function isForgettable(tables: BerthView, record: ServiceDeploymentRecord, now: Instant): boolean {
  if (isPast(record.finishedAt, SERVICE_DEPLOYMENT_RETENTION_MS, now)) return true;
  const service = tables.services.get(record.serviceArn);
  return service === undefined || isGone(service, now) || record.createdAt < service.createdAt;
}

function isDeployed(tables: BerthView, { serviceArn, arn }: ServiceRevisionRecord): boolean {
  const deployments = tables.services.get(serviceArn)?.deployments ?? [];
  return deployments.some((d) => d.id === deploymentIdOf(arn));
}

/** A task definition goes only when no task and no service refers to it. Source: ECS API reference, DeleteTaskDefinitions. */
function isInUse(tables: BerthView, arn: string): boolean {
  return tables.tasks.count("taskDefinition", arn) > 0 || tables.services.count("taskDefinition", arn) > 0;
}

function isPast(since: Instant | undefined, ms: number, now: Instant): boolean {
  return since !== undefined && now - since >= ms;
}

/** Forgets records whose time is over, a bounded number at a time. Answers whether there may be more. */
export async function forgetOnce({
  store,
  clock,
  retention = DEFAULT_RETENTION_SETTINGS,
}: Pick<ControllerContext, "store" | "clock" | "retention">): Promise<boolean> {
  const now = clock.now();
  const due: { readonly rule: Rule; readonly key: string }[] = [];
  for (const rule of RULES) {
    for (const key of rule.find(store.view, now, retention)) {
      if (due.length < MAX_PER_STEP) due.push({ rule, key });
    }
  }
  if (due.length === 0) return false;
  await store.transact("retention", (tx) => {
    for (const { rule, key } of due) rule.remove(tx, key);
  });
  return due.length === MAX_PER_STEP;
}

/** Forgets what is over, every minute, in small steps. */
export function startRetentionController(context: ControllerContext): { stop(): Promise<void> } {
  let isStopped = false;
  let timer: Timer | undefined;
  let underWay: Promise<void> = Promise.resolve();
  const schedule = (ms: number) => {
    timer = context.clock.after(ms, () => {
      underWay = step();
    });
  };
  const step = async () => {
    let hasMore = false;
    try {
      hasMore = await forgetOnce(context);
    } catch (error) {
      context.log.error({ error: String(error) }, "retention failed");
    }
    if (!isStopped) schedule(hasMore ? PAUSE_MS : LOOK_MS);
  };
  schedule(LOOK_MS);
  return {
    stop: () => {
      isStopped = true;
      timer?.cancel();
      return underWay;
    },
  };
}
