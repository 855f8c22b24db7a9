import type { ContainerDefinition, PortMapping } from "@aws-sdk/client-ecs";
import { clientError } from "../../errors.ts";
import { type DefinitionInput, nameOfContainer } from "./definition-input.ts";

const MAX_PORT = 65_535;
/** Source: ECS API reference, PortMapping.containerPortRange. */
const MAX_RANGES = 100;
/** Source: ECS API reference, PortMapping.name. */
const MAPPING_NAME = /^[a-z0-9_][a-z0-9_-]{0,63}$/;

/** Throws ClientException for port mappings that ECS does not accept in the definition's network mode. */
export function checkPorts(input: DefinitionInput): void {
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  for (const container of input.containerDefinitions) {
    const mappings = container.portMappings ?? [];
    if (input.networkMode === "none" && mappings.length > 0) {
      throw clientError("Port mappings are not supported when networkMode=none.");
    }
    for (const mapping of mappings) {
      checkName(mapping, names);
      if (mapping.containerPortRange !== undefined) checkRange(input, container, mapping);
      else checkMapping(input, container, mapping, hostPorts);
    }
    checkTogether(container, mappings);
  }
}

function checkName({ name, appProtocol }: PortMapping, taken: Set<string>): void {
  if (name === undefined) {
    if (appProtocol !== undefined) throw clientError("A port mapping with an 'appProtocol' must have a 'name'.");
    return;
  }
  if (!MAPPING_NAME.test(name)) {
    throw clientError(
      `Invalid port mapping name '${name}'. It may have up to 64 lower-case letters, digits, underscores and hyphens, and may not begin with a hyphen.`,
    );
  }
  if (taken.has(name)) throw clientError(`The port mapping name '${name}' is used more than once.`);
  taken.add(name);
}

function checkMapping(
  input: DefinitionInput,
  container: ContainerDefinition,
  { containerPort, hostPort, protocol = "tcp" }: PortMapping,
  taken: Set<string>,
): void {
  const invalid = (member: string) =>
    clientError(`Invalid '${member}' setting for container '${nameOfContainer(container)}'.`);
  if (containerPort === undefined || containerPort < 1 || containerPort > MAX_PORT) throw invalid("containerPort");
  if (hostPort === undefined || hostPort === 0) return;
  if (hostPort < 0 || hostPort > MAX_PORT) throw invalid("hostPort");
  const mode = input.networkMode;
  if ((mode === "awsvpc" || mode === "host") && hostPort !== containerPort) {
    throw clientError(`When networkMode=${mode}, the host ports and container ports in port mappings must match.`);
  }
  if (mode === "awsvpc" || mode === "host") return;
  const key = `${hostPort}/${protocol}`;
  if (taken.has(key)) throw clientError(`The host port ${key} is used by more than one port mapping.`);
  taken.add(key);
}

/** Within one container: no port for two protocols, no port twice, ranges apart. */
function checkTogether(container: ContainerDefinition, mappings: readonly PortMapping[]): void {
  const of = `container '${nameOfContainer(container)}'`;
  const protocols = new Map<number, string>();
  for (const { containerPort, containerPortRange, protocol = "tcp" } of mappings) {
    if (containerPort === undefined || containerPortRange !== undefined) continue;
    if ((protocols.get(containerPort) ?? protocol) !== protocol) {
      throw clientError(`The container port ${containerPort} of ${of} can not be used for more than one protocol.`);
    }
    protocols.set(containerPort, protocol);
  }
  const ranges = mappings
    .flatMap((m) => (m.containerPortRange === undefined ? [] : [parseRange(m.containerPortRange)]))
    .filter((r) => r !== undefined)
    .sort((a, b) => a.first - b.first);
  if (ranges.length > MAX_RANGES) {
    throw clientError(`The number of 'containerPortRange' settings of ${of} must not be more than ${MAX_RANGES}.`);
  }
  if (ranges.some((range, i) => i > 0 && range.first <= (ranges[i - 1]?.last ?? 0))) {
    throw clientError(`The 'containerPortRange' settings of ${of} must not overlap.`);
  }
}

function checkRange(input: DefinitionInput, container: ContainerDefinition, mapping: PortMapping): void {
  const of = `container '${nameOfContainer(container)}'`;
  if (mapping.containerPort !== undefined || mapping.hostPort !== undefined) {
    throw clientError(`'containerPortRange' can not be used with 'containerPort' or 'hostPort' in ${of}.`);
  }
  if (input.networkMode === "host") throw clientError("'containerPortRange' is not supported when networkMode=host.");
  if (parseRange(mapping.containerPortRange ?? "") === undefined) {
    throw clientError(`Invalid 'containerPortRange' setting for ${of}.`);
  }
}

/** Takes `8000-8010` apart; undefined if it is not an ascending range of ports. */
export function parseRange(text: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return match !== null && first >= 1 && last <= MAX_PORT && first <= last ? { first, last } : undefined;
}
