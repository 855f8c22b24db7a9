import type { Command } from "../command.ts";

/** A map of HAProxy's: entry to value. */
export type MapContents = ReadonlyMap<string, string>;

/** The file that a starting worker reads. */
export function renderMap(contents: MapContents): string {
  return [...contents].map(([entry, value]) => `${entry} ${value}\n`).join("");
}

/** The entries in an answer to `show map`. Of an entry that is there twice HAProxy takes the first. */
export function parseMap(answer: string): Map<string, string> {
  const entries = Array.from(
    answer.matchAll(/^0x[0-9a-f]+ (\S+) (\S+)$/gm),
    ([, entry = "", value = ""]) => [entry, value] as const,
  );
  return new Map(entries.toReversed());
}

const SILENT = /^$/;
/** An entry that is gone already is as good as deleted. */
const GONE = /^$|entry not found/i;

/** What HAProxy says of a map that no line of its configuration looks into. */
export const NO_SUCH_MAP = /^$|unknown map/i;

/**
 * The commands that make the map at `file`, which is `known` to be so, the `wanted` one. `silent` says which answers to a new entry
 * are good: those of a map that may not be there are more.
 */
export function mapCommands(file: string, known: MapContents, wanted: MapContents, silent = SILENT): Command[] {
  const commands: Command[] = [];
  for (const entry of known.keys())
    if (!wanted.has(entry)) commands.push({ text: `del map ${file} ${entry}`, accepts: GONE });
  for (const [entry, value] of wanted) {
    const before = known.get(entry);
    if (before === value) continue;
    commands.push({ text: `${before === undefined ? "add" : "set"} map ${file} ${entry} ${value}`, accepts: silent });
  }
  return commands;
}
