import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import type { BerthShape } from "../../wire/models/berth.ts";
import { type ApiOptions, clientFor, withConnectionOptions, withOutputOption } from "../api-command.ts";
import { age, printRows } from "../output.ts";

type Options = Omit<ApiOptions, "cluster">;

/** `berth balancers`: the processes that carry the load balancers, and how they are; `rm` forgets one for good. */
export function balancersCommand(program: Command): void {
  const command = program
    .command("balancers")
    .description("list the balancers: who carries the load balancers, and how they are");
  withOutputOption(withConnectionOptions(command)).action(async (options: Options) => {
    const { balancers } = await clientFor(options).berth("ListBalancers", {});
    const now = systemClock().now();
    printRows(options.output, balancers, [
      { heading: "BALANCER", of: (b) => b.name },
      { heading: "ADDRESS", of: (b) => b.address },
      { heading: "CONNECTED", of: (b) => `${b.connected ? "yes" : "no"}, ${age(b.connectedChangedAt, now)}` },
      { heading: "HAPROXY", of: (b) => b.haproxyVersion ?? "-" },
      { heading: "PROBLEMS", of: problemsOf },
    ]);
  });
  // The command above takes the options about the server, also where they stand behind `rm`.
  command
    .command("rm")
    .description("forget a balancer that will not come back")
    .argument("<name>", "its name, as `berth balancers` shows it")
    .option("--force", "also while it is connected; it is known again when it comes back")
    .action(async (name: string, _options: unknown, self: Command) => {
      const options: Options & { readonly force?: boolean } = self.optsWithGlobals();
      await clientFor(options).berth("RemoveBalancer", { name, force: options.force });
    });
}

function problemsOf({ failedListeners, unreachedTargets, problem }: BerthShape<"Balancer">): string {
  const failed = failedListeners.map(({ listenerArn, error }) => `listener ${listenerArn}: ${error}`);
  const unreached =
    unreachedTargets === 0 ? [] : [`${unreachedTargets} targets are unhealthy to it alone: can it reach their hosts?`];
  return [...(problem === undefined ? [] : [problem]), ...failed, ...unreached].join("; ") || "-";
}
