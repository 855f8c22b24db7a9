import { plant } from "./plant.ts";
import { PLANTED_FAULTS } from "./planted.ts";

/** What came of the search for one planted fault: one line of JSON on standard output. */
export interface Search {
  readonly name: string;
  /** Seeds that were simulated, the one that found it included. */
  readonly seeds: number;
  readonly hours: number;
  /** Undefined if no seed found it. */
  readonly found: { readonly promise: string; readonly what: string } | undefined;
}

const [index = "", seeds = "", hours = ""] = process.argv.slice(2);
const fault = PLANTED_FAULTS[Number(index)];
if (fault === undefined) throw new Error(`there is no planted fault ${index}`);
const isPlanted = plant(fault);
const { simulate } = await import("./simulation.ts");
if (!isPlanted()) throw new Error(`${fault.file} was not loaded`);

let search: Search = { name: fault.name, seeds: 0, hours: 0, found: undefined };
for (let seed = 1; seed <= Number(seeds) && search.found === undefined; seed++) {
  const outcome = await simulate(seed, Number(hours));
  search = { ...search, seeds: seed, hours: search.hours + outcome.hours, found: outcome.breach };
}
process.stdout.write(`${JSON.stringify(search)}\n`);
