import { assertNever } from "../../runtime/assert-never.ts";
import type { Command } from "../command.ts";
import { backupName } from "../configuration/names.ts";
import { backupOptions, serverOptions } from "../configuration/server-options.ts";
import type { ServerAction } from "./target.ts";

const SILENT = /^$/;
const ADDED = /^New server registered\.$/;
/** Nothing, or the server is not there any more. */
const GONE_IS_FINE = /^$|^No such server\.?$|^require 'backend\/server'/i;
const DELETED = /^Server deleted\.$/;
const DELETE_ACCEPTED = /^Server deleted\.$|^No such server\.?$|still has connections|must be put in maintenance/i;

/** Whether the answer to a command that deletes a server says that it is gone. */
export const isDeleted = (answer: string): boolean => DELETED.test(answer);

function addCommands(path: string, action: Extract<ServerAction, { kind: "add" }>): Command[] {
  const { group, target } = action;
  const add = { text: `add server ${path} ${serverOptions(group, target, "added")}`, accepts: ADDED };
  const set = (words: string) => ({ text: `set server ${path} ${words}`, accepts: SILENT });
  if (!group.healthCheck.enabled) return [add, set("state ready")];
  // On its way out of maintenance a server counts as up until its first check. So it goes by way of drain, where it gets no
  // traffic, is put down there, and is let go when it is down: at no moment can a request reach it.
  return [
    add,
    { text: `enable health ${path}`, accepts: SILENT },
    set("state drain"),
    set("health down"),
    set("state ready"),
    { text: `add server ${backupName(path)} ${backupOptions(group, target)}`, accepts: ADDED },
  ];
}

/** The commands for one action on a server of `backend`. */
export function commandsFor(backend: string, action: ServerAction): Command[] {
  const path = `${backend}/${action.server}`;
  const copy = backupName(path);
  switch (action.kind) {
    case "add":
      return addCommands(path, action);
    case "add-copy":
      return [{ text: `add server ${copy} ${backupOptions(action.group, action.target)}`, accepts: ADDED }];
    case "raise":
      return [{ text: `set server ${path} health up`, accepts: SILENT }];
    case "open":
      return [{ text: `set server ${copy} state ready`, accepts: SILENT }];
    case "close":
      return [{ text: `set server ${copy} state maint`, accepts: SILENT }];
    case "drain":
      return [{ text: `set server ${path} state drain`, accepts: SILENT }];
    case "undrain":
      return [{ text: `set server ${path} state ready`, accepts: SILENT }];
    case "leave":
      return [path, copy].map((text) => ({ text: `set server ${text} state maint`, accepts: GONE_IS_FINE }));
    case "cut":
      return [path, copy].map((text) => ({ text: `shutdown sessions server ${text}`, accepts: GONE_IS_FINE }));
    case "delete":
      return [copy, path].map((server) => ({
        text: `del server ${server}`,
        accepts: DELETE_ACCEPTED,
        deletes: server,
      }));
    default:
      return assertNever(action, "server action");
  }
}
