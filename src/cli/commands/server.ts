import type { Command } from "commander";
import { SERVER_SETTINGS } from "../../server-settings.ts";
import type { SetExitCode } from "../exit-code.ts";
import { lookForHaproxy, settingsOf, withSettings } from "../settings-command.ts";

/** `berth server`: the control plane. */
export function serverCommand(program: Command, setExitCode: SetExitCode): void {
  const command = program.command("server").description("run the control plane");
  withSettings(command, SERVER_SETTINGS).action(async (_options: unknown, self: Command) => {
    const settings = settingsOf(self, SERVER_SETTINGS);
    lookForHaproxy();
    const { runServer } = await import("../../server.ts");
    setExitCode(await runServer(settings));
  });
}
