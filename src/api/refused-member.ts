/** Something that an operation's input may ask for and that Berth does not carry out: the same row refuses and documents. */
export interface RefusedMember<Input> {
  /** The member's path: `configuration`, `networkConfiguration.awsvpcConfiguration` or, in a list, `volumes[].name`. */
  readonly member: string;
  /** What of the member is refused, when not all of it: such as `other than disabled`. Goes with `when`. */
  readonly what?: string;
  /** True if the input asks for it. Without it, the member is refused when it is given. */
  readonly when?: (input: Input) => boolean;
  /** What to do instead, as a sentence. */
  readonly hint?: string;
}

/** The first row that the input asks for. */
export function firstRefused<Input>(
  refused: readonly RefusedMember<Input>[],
  input: Input,
): RefusedMember<Input> | undefined {
  return refused.find((row) => (row.when === undefined ? valuesAt(input, row.member).some(isGiven) : row.when(input)));
}

/** A row's name for people: the path, and what of it. */
export function nameOf(row: { readonly member: string; readonly what?: string }): string {
  return row.what === undefined ? row.member : `${row.member} ${row.what}`;
}

/** False for what asks for nothing: absent, or an empty list. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** Every value that stands at a path: several where the path goes through lists, none where a member is absent. */
export function valuesAt(root: unknown, path: string): unknown[] {
  let values: unknown[] = [root];
  for (const step of path.split(".")) {
    const name = step.replace(/\[\]$/, "");
    values = values.flatMap((value) => {
      const next = (value as Record<string, unknown> | undefined | null)?.[name];
      if (!isGiven(next)) return [];
      return step.endsWith("[]") ? (next as unknown[]) : [next];
    });
  }
  return values;
}
