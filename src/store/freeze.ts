/**
 * Freezes plain JSON data deeply and returns it. What is frozen already is taken to be frozen deeply, so a record that
 * shares most of its parts with an older one costs only its new parts.
 * @throws TypeError naming the place of anything that JSON would lose or change: a function, a bigint, a class
 *   instance (a Date, a Map), a number that is not finite, a hole in a list. A property that is undefined is allowed:
 *   it is the same as a missing one.
 */
export function deepFreeze<T>(value: T, where: string): T {
  if (!freeze(value)) throw notPlain(value, where);
  return value;
}

/** Freezes what is inside first. False if something is not plain data; what was frozen by then is nobody's. */
function freeze(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      if (value === null || Object.isFrozen(value)) return true;
      if (!(Array.isArray(value) ? freezeItems(value) : freezeMembers(value))) return false;
      Object.freeze(value);
      return true;
    default:
      return false;
  }
}

function freezeItems(list: readonly unknown[]): boolean {
  for (let i = 0; i < list.length; i++) if (!freeze(list[i])) return false; // a hole is no data: `every` would pass over it
  return true;
}

function freezeMembers(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name];
    if (inner !== undefined && !freeze(inner)) return false;
  }
  return true;
}

/** Looks again for what was wrong, this time with its place. */
function notPlain(value: unknown, path: string): TypeError {
  return new TypeError(`a record must be plain JSON data, but ${findFault(value, path) ?? path}`);
}

function findFault(value: unknown, path: string): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value === "string" || typeof value === "boolean" || value === null) return undefined;
  if (typeof value !== "object") return `${path} is a value of type ${typeof value}`;
  const prototype = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null)
    return `${path} is an instance of ${prototype.constructor?.name ?? "a class"}`;
  const members = Array.isArray(value) ? Array.from(value, (inner, i) => [i, inner] as const) : Object.entries(value);
  for (const [name, inner] of members) {
    if (inner === undefined && !Array.isArray(value)) continue;
    const fault = findFault(inner, `${path}.${name}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
