import { Command } from "commander";
import { SettingError } from "../runtime/settings.ts";
import { UnreachableError } from "../wire/client.ts";
import { AwsError } from "../wire/errors.ts";
import { agentCommand } from "./commands/agent.ts";
import { balancerCommand } from "./commands/balancer.ts";
import { balancersCommand } from "./commands/balancers.ts";
import { envCommand } from "./commands/env.ts";
import { eventsCommand } from "./commands/events.ts";
import { hostCommand } from "./commands/host.ts";
import { hostsCommand } from "./commands/hosts.ts";
import { logsCommand } from "./commands/logs.ts";
import { planCommand } from "./commands/plan.ts";
import { psCommand } from "./commands/ps.ts";
import { runCommand } from "./commands/run.ts";
import { scaleCommand } from "./commands/scale.ts";
import { serverCommand } from "./commands/server.ts";
import { servicesCommand } from "./commands/services.ts";
import { startCommand } from "./commands/start.ts";
import { stopCommand } from "./commands/stop.ts";
import { topCommand } from "./commands/top.ts";
import { whyCommand } from "./commands/why.ts";
import { hintFor } from "./hints.ts";
import { UsageError } from "./usage.ts";

/** Runs one command line and answers its exit code: 0 done, 1 failed, 2 wrong usage or something missing. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("berth")
    .description("A container orchestrator that speaks Amazon ECS on machines of your own.")
    .configureHelp({ showGlobalOptions: true, helpWidth: helpWidth() })
    .showHelpAfterError("(--help tells more)")
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "berth: ")) })
    .exitOverride();
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  for (const add of [
    startCommand,
    serverCommand,
    agentCommand,
    balancerCommand,
    hostCommand,
    psCommand,
    servicesCommand,
    hostsCommand,
    balancersCommand,
    topCommand,
    logsCommand,
    eventsCommand,
    whyCommand,
    planCommand,
    runCommand,
    stopCommand,
    scaleCommand,
    envCommand,
  ]) {
    add(program, setExitCode);
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error);
  }
}

/** As wide as the terminal, from 80 to 120 columns; lines longer than that are hard to read. */
function helpWidth(): number {
  return Math.min(120, Math.max(80, process.stdout.columns ?? 100));
}

function report(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? 0 : 2; // commander has printed its message already
  const say = (text: string) => process.stderr.write(`berth: ${text}\n`);
  if (error instanceof UsageError || error instanceof SettingError) {
    say(error.message);
    return 2;
  }
  if (error instanceof AwsError) say(`${error.code}: ${error.message}${hintFor(error.code)}`);
  else if (error instanceof UnreachableError) say(`${error.message}; is the server running there?`);
  else say(error instanceof Error ? error.message : String(error));
  return 1;
}

function isCommanderError(error: unknown): error is { readonly exitCode: number } {
  return error instanceof Error && error.name === "CommanderError";
}
