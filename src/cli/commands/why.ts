import type { Command } from "commander";
import { type AwsClient, UnreachableError } from "../../wire/client.ts";
import { AwsError } from "../../wire/errors.ts";
import type { BerthOperations, BerthShape } from "../../wire/models/berth.ts";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import { explanationLines, fitTable } from "../explanation.ts";
import { endWhenNobodyReads, printJson, shortName } from "../output.ts";

type Answer = BerthOperations["ExplainResource"]["output"];

/** The last lines of one container, or why they cannot be had. */
interface Log {
  readonly taskArn: string;
  readonly containerName: string;
  readonly lines?: readonly string[];
  readonly error?: string;
}

interface WhyOptions extends ApiOptions {
  readonly tail: number;
}

/** `berth why RESOURCE`: why a service, deployment or task is as it is, and what to do about it. */
export function whyCommand(program: Command): void {
  withApiOptions(program.command("why").description("say why a service, task or deployment is as it is"))
    .argument("<resource>", "a service's name, a task's id, a deployment's id (ecs-svc/...), or an ARN")
    .option("-n, --tail <lines>", "how many of the last lines that a task wrote", wholeNumber(0), 10)
    .action(async (resource: string, options: WhyOptions) => {
      const client = clientFor(options);
      const answer = await client.berth("ExplainResource", { cluster: options.cluster, resource });
      const logs = await logsOf(client, answer, options.tail);
      if (options.output === "json") printJson({ ...answer, logs });
      else show(answer, logs);
    });
}

/** What was written last where something is not well. */
async function logsOf(client: AwsClient, answer: Answer, limit: number): Promise<readonly Log[]> {
  if (limit === 0 || answer.state === "WELL") return [];
  return Promise.all(answer.logStreams.map((stream) => readLog(client, stream, Math.min(limit, MAX_LINES))));
}

/** As many events as one call of GetLogEvents answers. */
const MAX_LINES = 10_000;

async function readLog(
  client: AwsClient,
  { taskArn, containerName, ...stream }: BerthShape<"LogStream">,
  limit: number,
): Promise<Log> {
  try {
    const { events } = await client.logs("GetLogEvents", { ...stream, limit });
    return { taskArn, containerName, lines: (events ?? []).map((event) => event.message ?? "") };
  } catch (error) {
    if (error instanceof AwsError || error instanceof UnreachableError)
      return { taskArn, containerName, error: error.message };
    throw error;
  }
}

function show(answer: Answer, logs: readonly Log[]): void {
  endWhenNobodyReads();
  const parts = [
    explanationLines(answer),
    fitTable(answer.instances, process.stdout.isTTY === true),
    ...logs.flatMap((log) => logLines(log, answer.kind === "TASK" ? "" : ` of task ${shortName(log.taskArn)}`)),
  ].filter((part) => part !== "");
  process.stdout.write(parts.join("\n"));
}

/** `of` says whose log it is, where that is not the one that was asked about. */
function logLines({ containerName, lines, error }: Log, of: string): readonly string[] {
  if (error !== undefined) return [`The log of container ${containerName}${of} cannot be shown: ${error}\n`];
  if (lines === undefined || lines.length === 0) return [`Container ${containerName}${of} wrote nothing.\n`];
  return [`Container ${containerName}${of} wrote last:\n${lines.map((line) => `  ${line}\n`).join("")}`];
}
