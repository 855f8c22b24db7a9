import { parseArgs } from "node:util";
import { PLANTED_FAULTS } from "./planted.ts";
import { searchFor } from "./search.ts";

const USAGE = `usage: npm run sim:planted -- [--seeds N] [--only TEXT]

Puts each of the planted faults (sim/planted.ts) into the product and shows which seed finds it.
  --seeds N    how many seeds each may take (default 200)
  --only TEXT  those alone whose name holds the text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      only: { type: "string", default: "" },
      help: { type: "boolean", default: false },
    },
  });
  const seeds = Number(values.seeds);
  if (values.help || !Number.isInteger(seeds) || seeds < 1) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  let tried = 0;
  let found = 0;
  for (const [index, { name }] of PLANTED_FAULTS.entries()) {
    if (!name.includes(values.only)) continue;
    tried++;
    try {
      const search = await searchFor(index, seeds);
      if (search.found !== undefined) found++;
      const outcome = search.found === undefined ? "NOT FOUND" : `found: ${search.found.promise}`;
      console.log(`${name}\n  after ${search.seeds} seeds, ${search.hours.toFixed(1)} virtual hours, ${outcome}`);
    } catch (error) {
      console.log(`${name}\n  cannot be planted: ${(error as Error).message}`);
    }
  }
  console.log(`${found} of ${tried} planted faults found`);
  return found === tried ? 0 : 1;
}

process.exitCode = await main();
