import { validationError } from "./errors.ts";

/**
 * Checks the name of a load balancer or target group: 1 to 32 letters, digits and hyphens, no hyphen at an end; a load balancer's
 * may not begin with `internal-`.
 * Throws ValidationError. Source: ELBv2 API reference, CreateLoadBalancer and CreateTargetGroup.
 */
export function checkName(what: "Load balancer" | "Target group", name: string): void {
  if (name.length < 1 || name.length > 32) {
    throw validationError(`${what} name '${name}' cannot be longer than '32' characters`);
  }
  if (!/^[A-Za-z0-9-]+$/.test(name)) {
    throw validationError(
      `${what} name '${name}' can only contain characters that are alphanumeric characters and hyphens(-)`,
    );
  }
  if (what === "Load balancer" && name.startsWith("internal-")) {
    throw validationError(`${what} name '${name}' cannot begin with 'internal-'`);
  }
  if (name.startsWith("-") || name.endsWith("-")) {
    throw validationError(`${what} name '${name}' cannot begin or end with a hyphen`);
  }
}
