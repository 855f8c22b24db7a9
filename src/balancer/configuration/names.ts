import type { TargetState } from "../state.ts";

/**
 * `id` in the characters that HAProxy takes in a name. Letters, digits, `.` and `-` stay; every other byte of its UTF-8
 * becomes `_` and two hex digits, so two ids never share a name and no id can end the word it stands in.
 */
export function encodeName(id: string): string {
  if (/^[A-Za-z0-9.-]*$/.test(id)) return id;
  let out = "";
  for (const byte of Buffer.from(id, "utf8")) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9.-]/.test(char) ? char : `_${byte.toString(16).padStart(2, "0")}`;
  }
  return out;
}

/** The id that `encodeName` made `name` of. */
export function decodeName(name: string): string {
  if (!name.includes("_")) return name;
  const bytes = name.replace(
    /[^_]+|_([0-9a-f]{2})/g,
    (whole, hex?: string) => hex ?? Buffer.from(whole).toString("hex"),
  );
  return Buffer.from(bytes, "hex").toString("utf8");
}

/** The backend that carries a target group. */
export const backendName = (targetGroupId: string): string => `tg.${encodeName(targetGroupId)}`;

/** The target group that a backend carries, or undefined if it carries none. */
export const targetGroupIdOf = (backend: string): string | undefined =>
  backend.startsWith("tg.") ? decodeName(backend.slice(3)) : undefined;

/** The frontend that carries a listener. */
export const frontendName = (listenerId: string): string => `ls.${encodeName(listenerId)}`;

/** The listener that a frontend carries, or undefined if it carries none. */
export const listenerIdOf = (frontend: string): string | undefined =>
  frontend.startsWith("ls.") ? decodeName(frontend.slice(3)) : undefined;

/**
 * What the names of all servers of `target` begin with. Its address is in it: a target that moved is another server.
 * The name goes on with a number that counts up each time the target enters anew while an earlier server is still leaving.
 */
export function serverPrefix(target: TargetState): string {
  const known = prefixes.get(target);
  if (known !== undefined) return known;
  const prefix = `${encodeName(target.id)}:${encodeName(target.address)}:${target.port}:${target.checkPort ?? "t"}:`;
  prefixes.set(target, prefix);
  return prefix;
}

/** The target that a server, or an unchecked copy, stands for. */
export const targetIdOf = (server: string): string => decodeName(server.slice(0, server.indexOf(":")));

/** Every look at HAProxy asks for the prefix of every target, and there may be thousands. Targets never change. */
const prefixes = new WeakMap<TargetState, string>();

const BACKUP = ":open";

/** The unchecked copy of a server that takes traffic only while no checked server of its group is up (fail open). */
export const backupName = (server: string): string => server + BACKUP;

/** The server that `name` is the unchecked copy of, or undefined if it is none. */
export const backupOf = (name: string): string | undefined =>
  name.endsWith(BACKUP) ? name.slice(0, -BACKUP.length) : undefined;
