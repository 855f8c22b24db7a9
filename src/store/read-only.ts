import type { TableView } from "./store.ts";
import type { Tables } from "./tables.ts";

/** The tables without what can change them. */
export function readOnly(tables: Tables): Readonly<Record<string, TableView<object, string>>> {
  return Object.fromEntries(
    [...tables.byName].map(([name, table]) => [
      name,
      {
        get: (key: string) => table.get(key),
        where: (index: string, value: string) => table.where(index, value),
        after: (index: string, value: string, key: string | undefined) => table.after(index, value, key),
        count: (index: string, value: string) => table.count(index, value),
        all: () => table.all(),
        get size() {
          return table.size;
        },
        derived: table.derived,
      },
    ]),
  );
}
