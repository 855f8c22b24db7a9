/** How deep braces and brackets may nest in a body. The deepest shape of ECS and ELBv2 nests 12 levels. */
export const MAX_BODY_DEPTH = 64;

/** How many items a list, or entries a map, may have. The longest list that ECS itself takes has 1,000. */
export const MAX_LIST_ITEMS = 10_000;

/** How many parameters a Query form may have. */
export const MAX_FORM_PARAMETERS = 20_000;

/** How many parts a Query parameter's name may have, as in `Actions.member.1.Type`. */
export const MAX_PARAMETER_PARTS = 32;

export const INT32_MIN = -(2 ** 31);
export const INT32_MAX = 2 ** 31 - 1;

/** The farthest instant from the epoch that a Date can hold, in milliseconds. */
export const MAX_DATE_MS = 8.64e15;
