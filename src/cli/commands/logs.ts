import type { OutputLogEvent } from "@aws-sdk/client-cloudwatch-logs";
import type { Task } from "@aws-sdk/client-ecs";
import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import { type AwsClient, UnreachableError } from "../../wire/client.ts";
import { AwsError } from "../../wire/errors.ts";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import { type OutputFormat, shortName } from "../output.ts";

/** How often `--follow` asks again, in milliseconds: while nothing is written, and while something is. */
const QUIET_MS = 1000;
const BUSY_MS = 200;
/** Events that one call answers at most. */
const MAX_LIMIT = 10_000;

interface LogsOptions extends ApiOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly tail: number;
}

/** Which log, as GetLogEvents names it. */
interface Stream {
  readonly logGroupName: string;
  readonly logStreamName: string;
}

/** `berth logs TASK`: what a task's container wrote to its standard output and error. */
export function logsCommand(program: Command): void {
  withApiOptions(program.command("logs").description("show what a task's container wrote"))
    .argument("<task>", "task id or ARN")
    .option("--container <name>", "which container, where the task has several")
    .option("-n, --tail <lines>", "how many of the last lines", wholeNumber(0), 100)
    .option("-f, --follow", "go on showing what is written, until the container stops")
    .action(showLogs);
}

async function showLogs(taskId: string, options: LogsOptions): Promise<void> {
  const client = clientFor(options);
  const task = await describeTask(client, options.cluster, taskId);
  const container = containerOf(task, options.container);
  const stream = {
    logGroupName: `/berth/${shortName(task.clusterArn)}`,
    logStreamName: `${shortName(task.taskDefinitionArn).split(":")[0]}/${container}/${shortName(task.taskArn)}`,
  };
  const { events, forward } = await lastEvents(client, stream, options.tail);
  print(events, options.output);
  if (!options.follow) return;
  const hasStopped = async () => {
    const now = await describeTask(client, options.cluster, taskId);
    return now.containers?.find((it) => it.name === container)?.lastStatus === "STOPPED";
  };
  await follow(client, stream, forward, hasStopped, options.output);
}

async function describeTask(client: AwsClient, cluster: string, task: string): Promise<Task> {
  const { tasks } = await client.ecs("DescribeTasks", { cluster, tasks: [task] });
  const [found] = tasks ?? [];
  if (found === undefined) throw new Error(`task '${task}' is not in cluster '${cluster}'`);
  return found;
}

function containerOf(task: Task, given: string | undefined): string {
  const names = (task.containers ?? []).map((it) => it.name ?? "");
  const container = given ?? (names.length === 1 ? names[0] : undefined);
  if (container === undefined)
    throw new Error(`the task has several containers, name one with --container: ${names.join(", ")}`);
  if (!names.includes(container))
    throw new Error(`the task has no container '${container}', but these: ${names.join(", ")}`);
  return container;
}

/** The last `count` events, and the token of what is written after them. One answer may be too small for all of them. */
async function lastEvents(
  client: AwsClient,
  stream: Stream,
  count: number,
): Promise<{ readonly events: readonly OutputLogEvent[]; readonly forward: string | undefined }> {
  let page = await client.logs("GetLogEvents", { ...stream, limit: Math.min(MAX_LIMIT, Math.max(1, count)) });
  const forward = page.nextForwardToken;
  const pages = [page.events ?? []];
  for (let missing = count - pages[0]!.length; missing > 0 && pages[0]!.length > 0; missing -= pages[0]!.length) {
    const limit = Math.min(MAX_LIMIT, missing);
    page = await client.logs("GetLogEvents", { ...stream, nextToken: page.nextBackwardToken, limit });
    pages.unshift(page.events ?? []);
  }
  return { events: count === 0 ? [] : pages.flat(), forward };
}

/** Shows what is written until the container stops. A host or server that is away for a while is said, and waited for. */
async function follow(
  client: AwsClient,
  stream: Stream,
  from: string | undefined,
  hasStopped: () => Promise<boolean>,
  output: OutputFormat,
): Promise<void> {
  const clock = systemClock();
  let nextToken = from;
  let isAway = false;
  let isLast = false;
  for (;;) {
    let count = 0;
    try {
      const page = await client.logs("GetLogEvents", { ...stream, nextToken, startFromHead: true });
      nextToken = page.nextForwardToken;
      count = page.events?.length ?? 0;
      print(page.events ?? [], output);
      isAway = false;
      if (count === 0 && isLast) return;
      // What it wrote at the very end may have come after this answer: one more is read.
      if (count === 0) isLast = await hasStopped();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (!isAway) process.stderr.write(`berth: ${(error as Error).message}; waiting for it\n`);
      isAway = true;
    }
    if (!isLast) await clock.sleep(count > 0 ? BUSY_MS : QUIET_MS);
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof UnreachableError || (error instanceof AwsError && error.code === "ServiceUnavailableException")
  );
}

function print(events: readonly OutputLogEvent[], output: OutputFormat): void {
  for (const event of events)
    process.stdout.write(output === "json" ? `${JSON.stringify(event)}\n` : `${event.message}\n`);
}
