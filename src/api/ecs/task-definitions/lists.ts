import type { TaskDefinitionRecord } from "../../../model/task-definition.ts";
import type { Operation } from "../operation.ts";
import { page } from "../page.ts";

const PAGE = { default: 100, max: 100 } as const;
/** Sorts before every character of a family's name, so that the family `a` comes before `a-b`. */
const SEPARATOR = " ";

/** Order by family, then by revision as a number. */
function orderKey({ family, revision }: TaskDefinitionRecord): string {
  return `${family}${SEPARATOR}${String(revision).padStart(10, "0")}`;
}

/** A key that sorts the other way round than `key`, which is ASCII: its mirror, and an end that sorts after any character. */
function mirrored(key: string): string {
  return `${[...key].map((c) => String.fromCharCode(0x7f - c.charCodeAt(0))).join("")}\x7f`;
}

export const listTaskDefinitions: Operation<"ListTaskDefinitions"> = (context, input) => {
  const { familyPrefix, status = "ACTIVE", sort = "ASC" } = input;
  const { taskDefinitions } = context.store.view;
  const all = familyPrefix
    ? taskDefinitions.where("family", familyPrefix).filter((d) => d.status === status)
    : taskDefinitions.where("status", status);
  const key = sort === "ASC" ? orderKey : (d: TaskDefinitionRecord) => mirrored(orderKey(d));
  const { items, nextToken } = page(context, all, key, input, PAGE, { familyPrefix, status, sort });
  return { taskDefinitionArns: items.map((d) => d.arn), nextToken };
};

/** A family is ACTIVE if one of its revisions is; one whose revisions are all deleted is none any more. */
export const listTaskDefinitionFamilies: Operation<"ListTaskDefinitionFamilies"> = (context, input) => {
  const { familyPrefix = "", status = "ALL" } = input;
  const active = new Map<string, boolean>();
  for (const { family, status: of } of context.store.view.taskDefinitions.all()) {
    if (of !== "DELETE_IN_PROGRESS") active.set(family, active.get(family) === true || of === "ACTIVE");
  }
  const families = [...active]
    .filter(([, isActive]) => status === "ALL" || isActive === (status === "ACTIVE"))
    .map(([family]) => family)
    .filter((family) => family.startsWith(familyPrefix));
  const { items, nextToken } = page(context, families, (f) => f, input, PAGE, { familyPrefix, status });
  return { families: items, nextToken };
};
