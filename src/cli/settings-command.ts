import { delimiter } from "node:path";
import { type Command, Option } from "commander";
import { environmentName, readSettings, type Setting, type Settings, type Values } from "../runtime/settings.ts";

/** Adds a flag for each setting, and one for a config file. */
export function withSettings(command: Command, settings: Settings): Command {
  for (const [name, setting] of Object.entries(settings))
    command.addOption(new Option(`--${name} <${setting.value.toLowerCase()}>`, describe(name, setting)));
  return command.option("--config <file>", "a JSON file with settings by these names (BERTH_CONFIG)");
}

/** The settings that a command was given, by flags, environment and config file. Throws SettingError. */
export function settingsOf<S extends Settings>(command: Command, settings: S): Values<S> {
  const flags = Object.fromEntries(Object.keys(settings).map((name) => [name, flagValue(command, name)]));
  const configFile = flagValue(command, "config") ?? process.env.BERTH_CONFIG;
  return readSettings(settings, { flags, env: process.env, configFile });
}

/** Debian keeps haproxy where a plain user's PATH does not look. */
export function lookForHaproxy(): void {
  process.env.PATH = [process.env.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(delimiter);
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
