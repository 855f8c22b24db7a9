/**
 * Freezes plain JSON data deeply and returns it. What is frozen already is taken to be frozen deeply, so a record that
 * shares most of its parts with an older one costs only its new parts.
 * @throws TypeError naming the place of anything that JSON would lose or change: a function, a bigint, a class
 *   instance (a Date, a Map), a number that is not finite, a hole in a list. A property that is undefined is allowed:
 *   it is the same as a missing one.
 */
export function deepFreeze<T>(value: T, where: string): T {
  if (isFrozenObject(value)) return value;
  freezeValue(value, [where]);
  return value;
}

function isFrozenObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.isFrozen(value);
}

function freezeValue(value: unknown, path: (string | number)[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (!Number.isFinite(value)) throw notPlain(path, String(value));
      return;
    case "object":
      if (value === null || Object.isFrozen(value)) return;
      if (Array.isArray(value)) freezeList(value, path);
      else freezeObject(value, path);
      Object.freeze(value);
      return;
    default:
      throw notPlain(path, `a value of type ${typeof value}`);
  }
}

function freezeList(list: readonly unknown[], path: (string | number)[]): void {
  for (let i = 0; i < list.length; i++) {
    path.push(i);
    freezeValue(list[i], path);
    path.pop();
  }
}

function freezeObject(value: object, path: (string | number)[]): void {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    throw notPlain(path, `an instance of ${prototype.constructor?.name ?? "a class"}`);
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    path.push(name);
    freezeValue(inner, path);
    path.pop();
  }
}

function notPlain(path: readonly (string | number)[], what: string): TypeError {
  return new TypeError(`a record must be plain JSON data, but ${path.join(".")} is ${what}`);
}
