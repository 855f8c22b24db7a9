import { readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** A Linux control group's directory and all below it, parents first. Empty if the group is gone. */
export function groupsBelow(group: string): readonly string[] {
  try {
    const children = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [group, ...children.flatMap((child) => groupsBelow(join(group, child.name)))];
  } catch (error) {
    if (isGoneGroup(error)) return [];
    throw error;
  }
}

/** Removes a control group; false while it has processes or groups in it. One that is gone counts as removed. */
export function tryRemoveGroup(group: string): boolean {
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return true;
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

/** Whether reading a group's directory or file failed because the group is gone, or going. */
export function isGoneGroup(error: unknown): boolean {
  return ["ENOENT", "ENODEV", "EOPNOTSUPP"].includes((error as NodeJS.ErrnoException).code ?? "");
}
