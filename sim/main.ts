import { parseArgs } from "node:util";
import { simulate } from "./simulation.ts";

const USAGE = `usage: npm run sim -- [--seed N] [--seeds N] [--hours H] [--verbose]

Simulates a cluster with faults from a seed, and judges every step. The same seed is the same story.
  --seed N     the first seed (default 1)
  --seeds N    how many seeds, one after the other (default 1)
  --hours H    virtual hours of each (default 24)
  --verbose    tells the whole story
`;
/** Lines of the story that a failure shows. */
const SHOWN_LINES = 60;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      hours: { type: "string", default: "24" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [seed, seeds, hours] = [Number(values.seed), Number(values.seeds), Number(values.hours)];
  if (values.help || ![seed, seeds, hours].every((n) => Number.isFinite(n) && n > 0)) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  let failed = 0;
  for (let i = seed; i < seed + seeds; i++) {
    const began = process.cpuUsage();
    const outcome = await simulate(i, hours, values.verbose ? (line) => console.log(line) : undefined);
    const { user, system } = process.cpuUsage(began);
    const tookS = (user + system) / 1e6;
    console.log(
      `seed ${i}: ${outcome.hours.toFixed(1)} h in ${tookS.toFixed(1)} s of one core, ${outcome.events} events, ${outcome.changes} changes, ` +
        `${outcome.starts} starts, story ${outcome.hash}`,
    );
    if (outcome.breach === undefined) continue;
    failed++;
    if (!values.verbose) console.log(outcome.last(SHOWN_LINES).join("\n"));
    console.log(
      `\nbroken: ${outcome.breach.promise}\n  ${outcome.breach.what}\nreplay: npm run sim -- --seed ${i} --hours ${hours}`,
    );
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
