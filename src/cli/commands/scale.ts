import type { Command } from "commander";
import { type ApiOptions, clientFor, wholeNumber, withApiOptions } from "../api-command.ts";
import { printRows } from "../output.ts";

/** `berth scale SERVICE COUNT`: sets how many tasks a service is to have. */
export function scaleCommand(program: Command): void {
  withApiOptions(program.command("scale").description("set how many tasks a service is to have"))
    .argument("<service>", "the service's name")
    .argument("<count>", "how many tasks", wholeNumber(0))
    .action(async (service: string, desiredCount: number, options: ApiOptions) => {
      const answer = await clientFor(options).ecs("UpdateService", { cluster: options.cluster, service, desiredCount });
      printRows(options.output, answer.service === undefined ? [] : [answer.service], [
        { heading: "SERVICE", of: (s) => s.serviceName ?? "-" },
        { heading: "DESIRED", of: (s) => String(s.desiredCount ?? 0) },
        { heading: "RUNNING", of: (s) => String(s.runningCount ?? 0) },
      ]);
    });
}
