/** The end of every switch over a union: does not compile while a case is missing. Throws if data broke its type. */
export function assertNever(value: never, what: string): never {
  throw new Error(`unexpected ${what}: ${JSON.stringify(value)}`);
}
