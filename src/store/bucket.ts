/** Below this share of changed records, an ordered list is patched rather than sorted anew. */
const PATCH_SHARE = 1 / 8;

/** The records that an index files under one value. The ordered list is made when it is asked for, and kept. */
export class Bucket {
  readonly #records = new Map<string, object>();
  /** Ordered by key; both are replaced and never changed, since callers hold the list. */
  #keys: readonly string[] | undefined;
  #list: readonly object[] = [];
  /** Keys that have changed since the list was made. */
  readonly #changed = new Set<string>();

  get size(): number {
    return this.#records.size;
  }

  get(key: string): object | undefined {
    return this.#records.get(key);
  }

  set(key: string, record: object): void {
    this.#records.set(key, record);
    if (this.#keys !== undefined) this.#changed.add(key);
  }

  delete(key: string): void {
    if (this.#records.delete(key) && this.#keys !== undefined) this.#changed.add(key);
  }

  /** Ordered by key (as strings compare, by UTF-16 code units). */
  list(): readonly object[] {
    if (this.#keys === undefined || this.#changed.size > 0) {
      const keys = this.#orderedKeys();
      this.#keys = keys;
      // Every key is one of #records: that is what #orderedKeys gives.
      this.#list = keys.map((key) => this.#records.get(key) as object);
      this.#changed.clear();
    }
    return this.#list;
  }

  #orderedKeys(): readonly string[] {
    if (this.#keys === undefined || this.#changed.size > this.#keys.length * PATCH_SHARE)
      return [...this.#records.keys()].sort();
    return this.#patchedKeys(this.#keys);
  }

  #patchedKeys(old: readonly string[]): readonly string[] {
    const added = [...this.#changed].filter((key) => this.#records.has(key)).sort();
    const merged: string[] = [];
    let next = 0;
    for (const key of old) {
      if (this.#changed.has(key)) continue;
      while (next < added.length && (added[next] as string) < key) merged.push(added[next++] as string);
      merged.push(key);
    }
    while (next < added.length) merged.push(added[next++] as string);
    return merged;
  }
}
