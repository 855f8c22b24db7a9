import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import { shortName } from "../output.ts";

/** How often `--follow` asks again. */
const FOLLOW_MS = 1000;

interface LogsOptions extends ApiOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly tail: number;
}

/** `berth logs TASK`: what a task's container wrote to its standard output and error. */
export function logsCommand(program: Command): void {
  withApiOptions(program.command("logs").description("show what a task's container wrote"))
    .argument("<task>", "task id or ARN")
    .option("--container <name>", "which container, where the task has several")
    .option("-n, --tail <lines>", "how many of the last lines", wholeNumber(0), 100)
    .option("-f, --follow", "go on showing what is written")
    .action(showLogs);
}

async function showLogs(task: string, options: LogsOptions): Promise<void> {
  const client = clientFor(options);
  const answer = await client.ecs("DescribeTasks", { cluster: options.cluster, tasks: [task] });
  const [found] = answer.tasks ?? [];
  if (found === undefined) throw new Error(`task '${task}' is not in cluster '${options.cluster}'`);
  const names = (found.containers ?? []).map((c) => c.name ?? "");
  const container = options.container ?? (names.length === 1 ? names[0] : undefined);
  if (container === undefined)
    throw new Error(`the task has several containers, name one with --container: ${names.join(", ")}`);
  const stream = {
    logGroupName: `/berth/${shortName(found.clusterArn)}`,
    logStreamName: `${shortName(found.taskDefinitionArn).split(":")[0]}/${container}/${shortName(found.taskArn)}`,
  };
  let nextToken: string | undefined;
  do {
    const page = await client.logs("GetLogEvents", {
      ...stream,
      nextToken,
      limit: nextToken === undefined ? options.tail : undefined,
    });
    for (const event of page.events ?? []) {
      process.stdout.write(options.output === "json" ? `${JSON.stringify(event)}\n` : `${event.message}\n`);
    }
    nextToken = page.nextForwardToken;
    if (options.follow) await systemClock().sleep(FOLLOW_MS);
  } while (options.follow);
}
