import { REQUEST_TOKEN_RETENTION_MS } from "../model/request-token.ts";
import { STOPPED_TASK_RETENTION_MS } from "../model/task.ts";
import type { Instant, Timer } from "../runtime/clock.ts";
import type { BerthTransaction, BerthView } from "../store/index.ts";
import type { ControllerContext } from "./context.ts";

/** Between two looks for what may be forgotten, in milliseconds. */
const LOOK_MS = 60_000;
/** The wait before the next step while there is more to forget: other work goes first. */
const PAUSE_MS = 100;
/** Records removed in one transaction at most. */
export const MAX_PER_STEP = 200;
/** How long deleted services and deregistered container instances stay describable. */
export const INACTIVE_RETENTION_MS = 24 * 60 * 60 * 1000;
/** How long a task definition that is being deleted stays describable, as a stopped task does. */
export const DELETED_DEFINITION_RETENTION_MS = STOPPED_TASK_RETENTION_MS;

/** One kind of record, and which of it may be forgotten. */
interface Rule {
  readonly find: (tables: BerthView, now: Instant) => Iterable<string>;
  readonly remove: (tx: BerthTransaction, key: string) => void;
}

const RULES: readonly Rule[] = [
  {
    find: (tables, now) =>
      tables.tasks
        .where("stopped", "yes")
        .filter((task) => isPast(task.stoppedAt, STOPPED_TASK_RETENTION_MS, now))
        .map((task) => task.arn),
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
      [...tables.services.all()]
        .filter((s) => s.status === "INACTIVE" && isPast(s.deletedAt, INACTIVE_RETENTION_MS, now))
        .map((service) => service.arn),
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

/** A task definition goes only when no task and no service refers to it. Source: ECS API reference, DeleteTaskDefinitions. */
function isInUse(tables: BerthView, arn: string): boolean {
  return tables.tasks.count("taskDefinition", arn) > 0 || tables.services.count("taskDefinition", arn) > 0;
}

function isPast(since: Instant | undefined, ms: number, now: Instant): boolean {
  return since !== undefined && now - since >= ms;
}

/** Forgets records whose time is over, a bounded number at a time. Answers whether there may be more. */
export async function forgetOnce({ store, clock }: Pick<ControllerContext, "store" | "clock">): Promise<boolean> {
  const now = clock.now();
  const due: { readonly rule: Rule; readonly key: string }[] = [];
  for (const rule of RULES) {
    for (const key of rule.find(store.view, now)) {
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
