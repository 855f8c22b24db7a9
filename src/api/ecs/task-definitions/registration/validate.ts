import { memberOfProblem } from "../../../../scheduler/index.ts";
import { clientError } from "../../errors.ts";
import { isFamilyName } from "../../resolve.ts";
import { checkCompatibilities } from "./compatibilities.ts";
import { checkContainers } from "./containers.ts";
import type { DefinitionInput } from "./definition-input.ts";
import { ephemeralStorageProblem } from "./fargate.ts";
import { checkOrder } from "./order.ts";
import { checkPorts } from "./ports.ts";
import { checkVolumes } from "./volumes.ts";

/** Source: ECS quotas. */
const MAX_CONSTRAINTS = 10;
const MAX_BYTES = 65_536;

/** Throws ClientException, in ECS's words where they are known, for a task definition that ECS does not accept. */
export function checkDefinition(input: DefinitionInput): void {
  if (input.family === "") throw clientError("Family should not be null or empty.");
  if (!isFamilyName(input.family)) throw clientError("Family contains invalid characters.");
  checkContainers(input);
  checkSums(input);
  checkVolumes(input);
  checkPorts(input);
  checkOrder(input);
  checkConstraints(input);
  checkRouting(input);
  const problem = ephemeralStorageProblem(input);
  if (problem !== undefined) throw clientError(problem);
  checkCompatibilities(input);
  checkLength(input);
}

function checkSums(input: DefinitionInput): void {
  const sum = (of: (c: DefinitionInput["containerDefinitions"][number]) => number | undefined) =>
    input.containerDefinitions.reduce((total, container) => total + (of(container) ?? 0), 0);
  if (input.cpu !== undefined && sum((c) => c.cpu) > input.cpu) {
    throw clientError("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.");
  }
  if (input.memoryMiB !== undefined && sum((c) => c.memoryReservation ?? c.memory) > input.memoryMiB) {
    throw clientError(
      "The sum of all container 'memory' values cannot be greater than the value of the task 'memory'.",
    );
  }
}

function checkConstraints(input: DefinitionInput): void {
  const constraints = input.placementConstraints ?? [];
  if (constraints.length > MAX_CONSTRAINTS) {
    throw clientError(`A task definition can have at most ${MAX_CONSTRAINTS} placement constraints.`);
  }
  for (const { type, expression = "" } of constraints) {
    if (type !== "memberOf") throw clientError(`constraint.type '${type ?? ""}' is not supported.`);
    if (expression === "") throw clientError("constraint.expression should not be null or empty.");
    const problem = memberOfProblem(expression);
    if (problem !== undefined) throw clientError(problem);
  }
}

/** Sidecars that carry other containers' traffic or logs must be there, and be used. */
function checkRouting(input: DefinitionInput): void {
  const containers = input.containerDefinitions;
  const proxy = input.proxyConfiguration?.containerName;
  if (proxy !== undefined && !containers.some((c) => c.name === proxy)) {
    throw clientError(`Proxy container [${proxy}] does not exist`);
  }
  const routers = containers.filter((c) => c.firelensConfiguration !== undefined).length;
  const senders = containers.filter((c) => c.logConfiguration?.logDriver === "awsfirelens").length;
  if (routers > 1) throw clientError("Only one container can have a firelensConfiguration object.");
  if (routers === 1 && senders === 0) {
    throw clientError(
      "When a firelensConfiguration object is specified, at least one container has to be configured with the awsfirelens log driver",
    );
  }
  if (routers === 0 && senders > 0) {
    throw clientError(
      "When the awsfirelens log driver is specified, one container has to be configured with a firelensConfiguration object",
    );
  }
}

function checkLength(input: DefinitionInput): void {
  const { tags: _tags, ...definition } = input;
  const length = Buffer.byteLength(JSON.stringify(definition));
  if (length > MAX_BYTES) {
    throw clientError(`Actual length: '${length}'. Max allowed length is '${MAX_BYTES}' bytes.`);
  }
}
