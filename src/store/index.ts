export {
  type BerthSchema,
  type BerthStore,
  type BerthTransaction,
  type BerthView,
  listenerTargetGroups,
  SCHEMA,
} from "./schema.ts";
export type { Change, Store, TableDraft, TableView, Transaction, View } from "./store.ts";
export { table } from "./table.ts";
