import type { Command } from "commander";
import { type ApiOptions, clientFor, withApiOptions } from "../api-command.ts";
import { printRows, shortName } from "../output.ts";

/** `berth stop TASK...`: stops tasks. */
export function stopCommand(program: Command): void {
  withApiOptions(program.command("stop").description("stop tasks"))
    .argument("<tasks...>", "task ids or ARNs")
    .option("--reason <text>", "why, as it will be shown")
    .action(async (tasks: string[], options: ApiOptions & { reason?: string }) => {
      const client = clientFor(options);
      const stopped = [];
      for (const task of tasks) {
        const answer = await client.ecs("StopTask", { cluster: options.cluster, task, reason: options.reason });
        if (answer.task !== undefined) stopped.push(answer.task);
      }
      printRows(options.output, stopped, [
        { heading: "TASK", of: (t) => shortName(t.taskArn) },
        { heading: "STATUS", of: (t) => t.lastStatus ?? "-" },
        { heading: "WANTED", of: (t) => t.desiredStatus ?? "-" },
      ]);
    });
}
