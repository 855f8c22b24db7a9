import { validationError } from "./errors.ts";

/** Checks how long a client stays with one target or target group: 1 to 604,800 s, which is seven days. Throws ValidationError. */
export function checkStickinessSeconds(member: string, value: number): void {
  if (value < 1 || value > 604_800) throw validationError(`${member} '${value}' must be from 1 to 604800`);
}
