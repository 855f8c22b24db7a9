import type { Command } from "commander";
import { BALANCER_SETTINGS } from "../balancer-settings.ts";
import type { SetExitCode } from "../exit-code.ts";
import { lookForHaproxy, settingsOf, withSettings } from "../settings-command.ts";

/** `berth balancer`: carries the load balancers on this host, beside the server and other hosts. */
export function balancerCommand(program: Command, setExitCode: SetExitCode): void {
  const command = program
    .command("balancer")
    .description("carry the load balancers on this host, with an HAProxy that the control plane configures");
  withSettings(command, BALANCER_SETTINGS).action(async (_options: unknown, self: Command) => {
    const settings = settingsOf(self, BALANCER_SETTINGS);
    lookForHaproxy();
    const { runBalancer } = await import("../run-balancer.ts");
    setExitCode(await runBalancer(settings, process.env));
  });
}
