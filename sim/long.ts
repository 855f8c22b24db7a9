import { parseArgs } from "node:util";
import { systemClock } from "../src/runtime/clock.ts";
import { systemRandom } from "../src/runtime/random.ts";
import { simulate } from "./simulation.ts";

const USAGE = `usage: npm run sim:long -- [--minutes N] [--from SEED] [--hours H]

Simulates one seed after the other until the time is over, it is interrupted, or a promise is broken.
  --minutes N  how long (default 60)
  --from SEED  the first seed (default: any)
  --hours H    virtual hours of each (default 24)
`;
const SHOWN_LINES = 60;
/** So much virtual time at once is reported, in hours. */
const REPORT_EVERY_HOURS = 240;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "60" },
      from: { type: "string", default: String(1 + Math.floor(systemRandom().next() * 1e9)) },
      hours: { type: "string", default: "24" },
      help: { type: "boolean", default: false },
    },
  });
  const [minutes, from, hours] = [Number(values.minutes), Number(values.from), Number(values.hours)];
  if (values.help || ![minutes, from, hours].every((n) => Number.isFinite(n) && n > 0)) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  let interrupted = false;
  process.once("SIGINT", () => {
    interrupted = true;
  });
  const clock = systemClock();
  const began = clock.monotonic();
  let total = 0;
  let told = 0;
  let seed = from;
  const report = () => {
    const { user, system } = process.cpuUsage();
    const coreS = ((user + system) / 1e6).toFixed(0);
    const wallS = ((clock.monotonic() - began) / 1000).toFixed(0);
    console.log(
      `${seed - from} seeds from ${from}: ${total.toFixed(0)} virtual hours in ${wallS} s, ${coreS} s of one core`,
    );
  };
  while (!interrupted && clock.monotonic() - began < minutes * 60_000) {
    const outcome = await simulate(seed, hours);
    seed++;
    total += outcome.hours;
    if (outcome.breach !== undefined) {
      console.log(outcome.last(SHOWN_LINES).join("\n"));
      console.log(`\nbroken: ${outcome.breach.promise}\n  ${outcome.breach.what}`);
      console.log(`replay: npm run sim -- --seed ${outcome.seed} --hours ${hours}`);
      report();
      return 1;
    }
    if (total - told < REPORT_EVERY_HOURS) continue;
    told = total;
    report();
  }
  report();
  return 0;
}

process.exitCode = await main();
