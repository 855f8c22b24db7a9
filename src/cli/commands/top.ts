import type { Command } from "commander";
import { systemClock } from "../../runtime/clock.ts";
import { UnreachableError } from "../../wire/client.ts";
import type { BerthOperations } from "../../wire/models/berth.ts";
import { type ApiOptions, clientFor, wholeNumber, withConnectionOptions, withOutputOption } from "../api-command.ts";
import { printJson } from "../output.ts";
import { trafficTable } from "../traffic-table.ts";

type Options = Omit<ApiOptions, "cluster"> & { readonly once?: boolean; readonly seconds: number };
type Answer = BerthOperations["DescribeTraffic"]["output"];

const REFRESH_MS = 1000;

/** `berth top`: what load balancers carry now, on a terminal anew each second. */
export function topCommand(program: Command): void {
  const command = program
    .command("top")
    .description("show what load balancers carry: requests, answers, response times, by listener and target")
    .argument("[load-balancers...]", "names or ARNs (default: all)")
    .option("--once", "show it once, as where the output is no terminal")
    .option("-s, --seconds <seconds>", "the figures are those of so many of the last seconds", wholeNumber(1), 10);
  withOutputOption(withConnectionOptions(command)).action(async (names: string[], options: Options) => {
    const client = clientFor(options);
    const loadBalancers = names.length === 0 ? undefined : names;
    const ask = () => client.berth("DescribeTraffic", { loadBalancers, seconds: options.seconds });
    const isTerminal = process.stdout.isTTY === true;
    if (options.output === "json") printJson(await ask());
    else if (options.once || !isTerminal) process.stdout.write(trafficTable(await ask(), isTerminal));
    else await watch(ask);
  });
}

/** Shows it until Ctrl-C. A server that cannot be reached for a while is waited for, except at first. */
async function watch(ask: () => Promise<Answer>): Promise<void> {
  const clock = systemClock();
  let screen = screenOf(await ask());
  for (;;) {
    draw(screen);
    await clock.sleep(REFRESH_MS);
    try {
      screen = screenOf(await ask());
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      screen = { head: `${timeOf(clock.now())}  ${error.message}; waiting for it`, table: screen.table };
    }
  }
  function screenOf(answer: Answer) {
    const head = `${timeOf(clock.now())}  the last ${answer.seconds} seconds; Ctrl-C ends`;
    return { head, table: trafficTable(answer, true) };
  }
}

const timeOf = (now: number) => new Date(now).toTimeString().slice(0, 8);

/** Writes over what the terminal shows, without a moment in which it shows nothing. What does not fit is left out. */
function draw({ head, table }: { readonly head: string; readonly table: string }): void {
  const rows = (process.stdout.rows ?? 24) - 1;
  const columns = process.stdout.columns ?? 80;
  const lines = [head, "", ...table.trimEnd().split("\n")];
  const shown = lines.length > rows ? [...lines.slice(0, rows - 1), `(${lines.length - rows + 1} lines more)`] : lines;
  const text = shown.map((line) => `${clip(line, columns)}\u001b[K\n`).join("");
  process.stdout.write(`\u001b[H${text}\u001b[J`);
}

/** A line that is too long would be two. Codes for bold have no width; only the heading has them. */
const clip = (line: string, columns: number) =>
  line.startsWith("\u001b") ? `${line.slice(0, columns + 4)}\u001b[0m` : line.slice(0, columns);
