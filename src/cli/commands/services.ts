import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import { type ApiOptions, clientFor, withApiOptions } from "../api-command.ts";
import { allServices } from "../listing.ts";
import { age, printRows, shortName } from "../output.ts";

/** `berth services`: the services of a cluster. */
export function servicesCommand(program: Command): void {
  withApiOptions(program.command("services").description("list services")).action(async (options: ApiOptions) => {
    const services = await allServices(clientFor(options), options.cluster);
    const now = systemClock().now();
    printRows(options.output, services, [
      { heading: "SERVICE", of: (s) => s.serviceName ?? "-" },
      { heading: "STATUS", of: (s) => s.status ?? "-" },
      { heading: "DEFINITION", of: (s) => shortName(s.taskDefinition) },
      { heading: "DESIRED", of: (s) => String(s.desiredCount ?? 0) },
      { heading: "RUNNING", of: (s) => String(s.runningCount ?? 0) },
      { heading: "PENDING", of: (s) => String(s.pendingCount ?? 0) },
      { heading: "ROLLOUT", of: (s) => s.deployments?.[0]?.rolloutState ?? "-" },
      { heading: "AGE", of: (s) => age(s.createdAt, now) },
    ]);
  });
}
