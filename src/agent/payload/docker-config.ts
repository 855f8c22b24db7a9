import type { ContainerPayload } from "./task-payload.ts";

export interface DockerConfigBlobs {
  readonly config: Readonly<Record<string, unknown>>;
  readonly hostConfig: Readonly<Record<string, unknown>>;
}

/** The payload's engine configuration as objects (agent protocol, 2.9). Throws an Error if a blob is not a JSON object. */
export function dockerConfigBlobs(container: ContainerPayload): DockerConfigBlobs {
  return {
    config: parseBlob(container.dockerConfig?.config, "config"),
    hostConfig: parseBlob(container.dockerConfig?.hostConfig, "hostConfig"),
  };
}

function parseBlob(text: string | undefined, what: string): Record<string, unknown> {
  if (!text) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`dockerConfig.${what} is not JSON`, { cause });
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error(`dockerConfig.${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

/** The command that replaces the container's own, from `overrides`; undefined if none. Throws on any other key (2.8). */
export function commandOverride(container: ContainerPayload): readonly string[] | undefined {
  if (!container.overrides) return undefined;
  const value = parseBlob(container.overrides, "overrides");
  for (const key of Object.keys(value)) if (key !== "command") throw new Error(`override "${key}" is not supported`);
  const { command } = value;
  if (command === undefined || command === null) return undefined;
  if (!Array.isArray(command) || !command.every((it) => typeof it === "string"))
    throw new Error("the command override is not a list of strings");
  return command;
}
