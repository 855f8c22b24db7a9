import { createHash } from "node:crypto";

/** A digest of a call's parameters, by which a repetition with the same token is known from another call. */
export const parametersDigest = (parameters: object): string =>
  createHash("sha256").update(sortedJson(parameters)).digest("hex");

/** JSON that does not depend on the order in which a client writes members. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
