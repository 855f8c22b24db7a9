import { delimiter } from "node:path";
import { type Command, Option } from "commander";
import { environmentName, readSettings, type Setting, type Values } from "../../runtime/settings.ts";
import { SERVER_SETTINGS } from "../../server-settings.ts";
import type { SetExitCode } from "../exit-code.ts";

/** `berth server`: the control plane. */
export function serverCommand(program: Command, setExitCode: SetExitCode): void {
  const command = program.command("server").description("run the control plane");
  for (const [name, setting] of Object.entries(SERVER_SETTINGS)) {
    command.addOption(new Option(`--${name} <${setting.value.toLowerCase()}>`, describe(name, setting)));
  }
  command.option("--config <file>", "a JSON file with settings by these names (BERTH_CONFIG)");
  command.action(async (_options: unknown, self: Command) => {
    const flags = Object.fromEntries(Object.keys(SERVER_SETTINGS).map((name) => [name, flagValue(self, name)]));
    const configFile = flagValue(self, "config") ?? process.env.BERTH_CONFIG;
    const settings: Values<typeof SERVER_SETTINGS> = readSettings(SERVER_SETTINGS, {
      flags,
      env: process.env,
      configFile,
    });
    // Debian keeps haproxy where a plain user's PATH does not look.
    process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(delimiter);
    const { runServer } = await import("../../server.ts");
    setExitCode(await runServer(settings));
  });
}

function describe(name: string, setting: Setting<unknown>): string {
  const value = setting.default;
  const isAddress = typeof value === "object" && value !== null && "port" in value && "host" in value;
  const shown = isAddress ? `${value.host}:${value.port}` : String(value);
  return `${setting.help} (${environmentName(name)}${shown === "" ? "" : `; default ${shown}`})`;
}

/** Commander keeps `--data-dir` as `dataDir`. */
function flagValue(command: Command, name: string): string | undefined {
  const camel = name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return (command.opts() as Record<string, string | undefined>)[camel];
}
