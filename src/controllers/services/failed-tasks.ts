import { attributeValue, type ContainerInstanceRecord } from "../../model/container-instance.ts";
import type { FailedTask, ServiceDeploymentRecord } from "../../model/service-deployment.ts";
import { type ContainerRecord, type TaskRecord, taskId } from "../../model/task.ts";
import type { Instant } from "../../runtime/clock.ts";
import { addServiceEvent } from "../../state/index.ts";
import type { BerthStore, BerthTransaction } from "../../store/index.ts";
import type { ContainerInstanceArn } from "../../wire/arn.ts";
import type { ControllerContext } from "../context.ts";
import { type LookAnswer, startWorkQueue } from "../work-queue.ts";

/** What an event shows of a log at most: lines, and characters of each. */
export const LAST_LINES = 10;
export const LINE_LENGTH = 200;
/** A host that cannot be asked now is asked again after this, in milliseconds. */
const RETRY_MS = 2_000;
/** So long after the failure the event is told without the log. */
export const GIVE_UP_MS = 60_000;

/** What came of asking for a container's last lines. `later`: it may be there at another try; `never`: it is not. */
export type LastLines =
  | { readonly kind: "lines"; readonly lines: readonly string[] }
  | { readonly kind: "later" | "never"; readonly why: string };

/** Reads the logs of containers on their hosts. */
export interface LogReader {
  /** The last `limit` lines of a container's log, oldest first. Never rejects. */
  lastLines(
    instance: ContainerInstanceArn,
    of: { readonly taskArn: string; readonly containerName: string; readonly limit: number },
  ): Promise<LastLines>;
}

/**
 * Tells of the task whose failure made a circuit breaker trip: why it stopped, and the last lines that it logged, in an
 * event of its service. That it is still to be told is in the service deployment's record, which the event's
 * transaction changes: so it is told after a restart too, and once. Rule [DP37].
 */
export function startFailedTasksController(context: ControllerContext, logs: LogReader): { stop(): Promise<void> } {
  const { store } = context;
  const queue = startWorkQueue({ name: "failed tasks", context, look: (arn) => tellOfFailedTask(context, logs, arn) });
  const addAll = () => {
    for (const { arn } of store.view.serviceDeployments.where("failedTaskUntold", "yes")) queue.add(arn);
  };
  const unwatch = store.watch(({ puts }) => {
    for (const put of puts) if (put.table === "serviceDeployments" && isUntold(put.after)) queue.add(put.key);
  });
  addAll();
  return {
    stop: () => {
      unwatch();
      return queue.stop();
    },
  };
}

const isUntold = ({ failedTask }: ServiceDeploymentRecord) => failedTask !== undefined && !failedTask.isTold;

/** Asks, and tells what can be told; answers when to try again. */
export async function tellOfFailedTask(
  { store, clock, random }: Pick<ControllerContext, "store" | "clock" | "random">,
  logs: LogReader,
  arn: string,
): Promise<LookAnswer> {
  const record = store.view.serviceDeployments.get(arn);
  if (record?.failedTask === undefined || record.failedTask.isTold) return {};
  const { failedTask } = record;
  const task = store.view.tasks.get(failedTask.taskArn);
  const container = task === undefined ? undefined : culprit(task);
  const answer = await lastLinesOf(store, logs, task, container);
  const now = clock.now();
  if (answer.kind === "later" && now < failedTask.since + GIVE_UP_MS) return { at: now + RETRY_MS };
  const message = task === undefined ? undefined : sentence(record, task, container, answer);
  await store.transact("failed task", (tx) => tell(tx, arn, message, { now, random }));
  return {};
}

function tell(
  tx: BerthTransaction,
  arn: string,
  message: string | undefined,
  at: { readonly now: Instant; readonly random: ControllerContext["random"] },
): void {
  const record = tx.serviceDeployments.get(arn);
  if (record?.failedTask === undefined || record.failedTask.isTold) return;
  tx.serviceDeployments.put({ ...record, failedTask: { ...record.failedTask, isTold: true } satisfies FailedTask });
  const service = tx.services.get(record.serviceArn);
  if (service === undefined || message === undefined) return;
  addServiceEvent(tx, service, `(service ${service.name}) ${message}`, at);
}

/** The container that made the task fail: an essential one that exited with an error, or has a reason, or the first. */
function culprit({ containers }: TaskRecord): ContainerRecord | undefined {
  const essential = containers.filter((c) => c.essential);
  return (
    essential.find((c) => c.exitCode !== undefined && c.exitCode !== 0) ??
    essential.find((c) => c.reason !== undefined) ??
    essential[0]
  );
}

async function lastLinesOf(
  store: BerthStore,
  logs: LogReader,
  task: TaskRecord | undefined,
  container: ContainerRecord | undefined,
): Promise<LastLines> {
  const never = (why: string): LastLines => ({ kind: "never", why });
  if (task?.containerInstanceArn === undefined || container === undefined) return never("it never had a container");
  const instance = store.view.containerInstances.get(task.containerInstanceArn);
  if (instance === undefined || instance.status === "INACTIVE") return never("its host has left the cluster");
  if (!instance.agentConnected) return { kind: "later", why: `host ${nameOf(instance)} is not connected` };
  if (container.runtimeId === undefined && container.exitCode === undefined) return { kind: "lines", lines: [] };
  const of = { taskArn: task.arn, containerName: container.name, limit: LAST_LINES };
  return logs.lastLines(instance.arn, of);
}

function nameOf(instance: ContainerInstanceRecord): string {
  return attributeValue(instance, "berth.host-name") ?? instance.ec2InstanceId ?? instance.arn;
}

/** What the event says, after the service's name. */
function sentence(
  { targetRevisionArn }: ServiceDeploymentRecord,
  task: TaskRecord,
  container: ContainerRecord | undefined,
  answer: LastLines,
): string {
  const details = [
    container === undefined ? undefined : `container ${container.name}`,
    container?.exitCode === undefined ? undefined : `exit code ${container.exitCode}`,
    container?.reason,
  ].filter((it) => it !== undefined);
  const why = `${task.stoppedReason ?? "it stopped"}${details.length === 0 ? "" : ` (${details.join(", ")})`}`;
  const id = targetRevisionArn.slice(targetRevisionArn.lastIndexOf("/") + 1);
  return `(deployment ecs-svc/${id}) (task ${taskId(task)}) failed: ${why}. ${logOf(answer)}`;
}

function logOf(answer: LastLines): string {
  if (answer.kind !== "lines") return `Its log cannot be read: ${answer.why}.`;
  const lines = answer.lines.slice(-LAST_LINES).map(printable);
  if (lines.length === 0) return "It logged nothing.";
  return `The last lines that it logged:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** A line without what would move a reader's cursor or change its colours, cut to what an event has room for. */
export function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const text = line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, "");
  const characters = [...text];
  return characters.length <= LINE_LENGTH ? text : `${characters.slice(0, LINE_LENGTH - 1).join("")}…`;
}
