import type { Task } from "@aws-sdk/client-ecs";
import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import { type ApiOptions, clientFor, withApiOptions } from "../api-command.ts";
import { allContainerInstances, allTasks, hostName } from "../listing.ts";
import { age, printRows, shortName } from "../output.ts";

/** `berth ps`: the tasks of a cluster. */
export function psCommand(program: Command): void {
  withApiOptions(program.command("ps").description("list tasks"))
    .option("-s, --service <name>", "only this service's tasks")
    .option("-a, --all", "stopped tasks too")
    .action(async (options: ApiOptions & { service?: string; all?: boolean }) => {
      const client = clientFor(options);
      const [running, stopped, instances] = await Promise.all([
        allTasks(client, options.cluster, { serviceName: options.service, desiredStatus: "RUNNING" }),
        options.all
          ? allTasks(client, options.cluster, { serviceName: options.service, desiredStatus: "STOPPED" })
          : [],
        allContainerInstances(client, options.cluster),
      ]);
      const hosts = new Map(instances.map((i) => [i.containerInstanceArn, hostName(i)]));
      const now = systemClock().now();
      printRows(options.output, [...running, ...stopped].toSorted(byGroupAndAge), [
        { heading: "TASK", of: (t) => shortName(t.taskArn) },
        { heading: "GROUP", of: (t) => t.group ?? "-" },
        { heading: "DEFINITION", of: (t) => shortName(t.taskDefinitionArn) },
        { heading: "STATUS", of: (t) => t.lastStatus ?? "-" },
        { heading: "HEALTH", of: (t) => t.healthStatus ?? "-" },
        { heading: "HOST", of: (t) => hosts.get(t.containerInstanceArn) ?? "-" },
        { heading: "PORTS", of: ports },
        { heading: "AGE", of: (t) => age(t.createdAt, now) },
        ...(options.all ? [{ heading: "STOPPED BECAUSE", of: (t: Task) => t.stoppedReason ?? "" }] : []),
      ]);
    });
}

function byGroupAndAge(a: Task, b: Task): number {
  return (a.group ?? "").localeCompare(b.group ?? "") || (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0);
}

function ports(task: Task): string {
  const bindings = (task.containers ?? []).flatMap((c) => c.networkBindings ?? []);
  return bindings.map((b) => `${b.hostPort}->${b.containerPort}/${b.protocol}`).join(" ") || "-";
}
