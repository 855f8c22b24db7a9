import type { Command } from "commander";
import type { SetExitCode } from "../exit-code.ts";

/** `berth agent`: the process that runs a host's tasks. Its own room reads its flags and the official agent's environment. */
export function agentCommand(program: Command, setExitCode: SetExitCode): void {
  program
    .command("agent")
    .description("run this host's agent; `berth agent --help` lists its flags and environment")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async (_options: unknown, command: Command) => {
      const { agentMain } = await import("../../agent/index.ts");
      setExitCode(await agentMain(command.args, process.env));
    });
}
