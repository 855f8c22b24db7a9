import type { Command } from "commander";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import type { SetExitCode } from "../exit-code.ts";
import { printRows, shortName } from "../output.ts";

/** `berth run DEFINITION`: starts tasks of a task definition. */
export function runCommand(program: Command, setExitCode: SetExitCode): void {
  withApiOptions(program.command("run").description("start tasks of a task definition"))
    .argument("<definition>", "family, family:revision or ARN")
    .option("-n, --count <count>", "how many tasks, 1 to 10", wholeNumber(1), 1)
    .option("--group <group>", "the group of the tasks")
    .action(async (taskDefinition: string, options: ApiOptions & { count: number; group?: string }) => {
      const answer = await clientFor(options).ecs("RunTask", {
        cluster: options.cluster,
        taskDefinition,
        count: options.count,
        group: options.group,
        startedBy: "berth-cli",
      });
      printRows(options.output, answer.tasks ?? [], [
        { heading: "TASK", of: (t) => shortName(t.taskArn) },
        { heading: "DEFINITION", of: (t) => shortName(t.taskDefinitionArn) },
        { heading: "STATUS", of: (t) => t.lastStatus ?? "-" },
      ]);
      for (const failure of answer.failures ?? []) {
        process.stderr.write(
          `berth: not placed: ${failure.reason} ${failure.detail ?? ""} (${shortName(failure.arn)})\n`,
        );
        setExitCode(1);
      }
    });
}
