import { agentShouldStop, type TaskRecord } from "../model/task.ts";
import type { TaskArn } from "../wire/arn.ts";

/** What a payload says of a task. */
export type Order = "start" | "stop";

/** One task of a payload that was sent. */
export interface Delivery {
  readonly taskArn: TaskArn;
  readonly order: Order;
}

/** What an agent has not been told of a task, or has not acknowledged: to start it, to stop it, or nothing. */
export function owedOrder(task: TaskRecord): Order | undefined {
  if (agentShouldStop(task)) return task.delivered.stop ? undefined : "stop";
  const toStart =
    task.desiredStatus === "RUNNING" &&
    task.lastStatus === "PENDING" &&
    !task.delivered.start &&
    task.awaitsImages !== true;
  return toStart ? "start" : undefined;
}

/**
 * What one connection still has to say, and what it has said without an answer. It only remembers; what is owed is read
 * from the tasks each time, so that a lost or repeated notice does no harm. A new connection begins with an empty one.
 */
export class Outbox {
  /** Tasks of which something may have to be said, in the order in which it was noticed. */
  readonly #waiting = new Set<TaskArn>();
  /** By message id. */
  readonly #unacknowledged = new Map<string, readonly Delivery[]>();
  /** The last order sent of each task on this connection, until the records owe none: it shows as delivered there later. */
  readonly #sent = new Map<TaskArn, Order>();

  get unacknowledged(): number {
    return this.#unacknowledged.size;
  }

  /** Looks at a task that may have changed. */
  notice(task: TaskRecord): void {
    const order = owedOrder(task);
    if (order === undefined) this.forget(task.arn);
    else if (this.#sent.get(task.arn) === order) this.#waiting.delete(task.arn);
    else this.#waiting.add(task.arn);
  }

  forget(arn: TaskArn): void {
    this.#waiting.delete(arn);
    this.#sent.delete(arn);
  }

  /** Takes up to `limit` tasks with something to say out of the queue. */
  take(
    find: (arn: TaskArn) => TaskRecord | undefined,
    limit: number,
  ): { readonly task: TaskRecord; readonly order: Order }[] {
    const taken: { readonly task: TaskRecord; readonly order: Order }[] = [];
    for (const arn of this.#waiting) {
      if (taken.length >= limit) break;
      this.#waiting.delete(arn);
      const task = find(arn);
      const order = task === undefined ? undefined : owedOrder(task);
      if (task !== undefined && order !== undefined && this.#sent.get(arn) !== order) taken.push({ task, order });
    }
    return taken;
  }

  sent(messageId: string, deliveries: readonly Delivery[]): void {
    this.#unacknowledged.set(messageId, deliveries);
    for (const { taskArn, order } of deliveries) this.#sent.set(taskArn, order);
  }

  /** What the message carried; undefined if it was not sent here or was acknowledged before. */
  acknowledge(messageId: string): readonly Delivery[] | undefined {
    const deliveries = this.#unacknowledged.get(messageId);
    this.#unacknowledged.delete(messageId);
    return deliveries;
  }
}
