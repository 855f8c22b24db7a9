/** A resource's tags, by key. */
export type Tags = Readonly<Record<string, string>>;
