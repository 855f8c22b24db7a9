import { readFileSync } from "node:fs";

/** A setting's value was not acceptable; the message names where it came from and what is accepted. */
export class SettingError extends Error {}

/**
 * One setting, known by one name everywhere: `--data-dir` on the command line, `BERTH_DATA_DIR` in the environment and
 * `data-dir` in a config file.
 */
export interface Setting<T> {
  /** What the value stands for in a help text, such as DIR. */
  readonly value: string;
  readonly help: string;
  /** The value that holds when none is given. */
  readonly default: T;
  /** Throws an Error that says what is accepted. */
  readonly parse: (text: string) => T;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type Values<S extends Settings> = { readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never };

export const text = (value: string, help: string, fallback: string): Setting<string> => ({
  value,
  help,
  default: fallback,
  parse: (given) => given,
});

/** A text of one form; `accepted` says which. */
export const pattern = (setting: Setting<string>, allowed: RegExp, accepted: string): Setting<string> => ({
  ...setting,
  parse: (given) => {
    if (!allowed.test(given)) throw new Error(`it must be ${accepted}`);
    return given;
  },
});

/** A number from `low` to `high`. */
export const number = (
  value: string,
  help: string,
  fallback: number,
  range: readonly [number, number],
): Setting<number> => ({
  value,
  help,
  default: fallback,
  parse: (given) => {
    const parsed = Number(given);
    if (given.trim() === "" || !(parsed >= range[0] && parsed <= range[1])) {
      throw new Error(`it must be a number from ${range[0]} to ${range[1]}`);
    }
    return parsed;
  },
});

/** The name of a setting in the environment: `data-dir` is BERTH_DATA_DIR. */
export function environmentName(name: string): string {
  return `BERTH_${name.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * Every setting's value: of the command line, else the environment, else the config file, else its default. Throws
 * SettingError for a value that is not acceptable or a name in the config file that is no setting.
 */
export function readSettings<S extends Settings>(
  settings: S,
  from: {
    readonly flags: Readonly<Record<string, string | undefined>>;
    readonly env: NodeJS.ProcessEnv;
    readonly configFile?: string;
  },
): Values<S> {
  const file = from.configFile === undefined ? {} : readConfigFile(from.configFile, settings);
  const entries = Object.entries(settings).map(([name, setting]) => {
    const sources: readonly (readonly [string, string | undefined])[] = [
      [`--${name}`, from.flags[name]],
      [environmentName(name), from.env[environmentName(name)] || undefined],
      [`${name} in ${from.configFile}`, file[name]],
    ];
    const source = sources.find(([, given]) => given !== undefined);
    if (source === undefined) return [name, setting.default];
    try {
      return [name, setting.parse(source[1] ?? "")];
    } catch (error) {
      throw new SettingError(`${source[0]} is '${source[1]}': ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(entries) as Values<S>;
}

function readConfigFile(path: string, settings: Settings): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new SettingError(`config file ${path} cannot be read as JSON: ${(error as Error).message}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new SettingError(`config file ${path} must hold one JSON object`);
  }
  for (const name of Object.keys(parsed)) {
    if (!(name in settings)) {
      throw new SettingError(
        `config file ${path} has '${name}', which is no setting: known are ${Object.keys(settings).join(", ")}`,
      );
    }
  }
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, String(value)]));
}
