import { parseArgs } from "node:util";
import { type ControlPlane, startControlPlane } from "./rig/control-plane.ts";
import { type Fleet, openFleet } from "./rig/fleet.ts";
import { DEFINITION, type LaunchFigures, type LaunchPlan, LaunchRun } from "./rig/launch-run.ts";
import { CallWriter, SignedConnection } from "./rig/signed-http.ts";

/**
 * How many tasks a second reach RUNNING through the real API: a `berth server` process with its store on disk, simulated
 * agents on real websockets in another process, RunTask calls of ten tasks each, until the agents' reports of RUNNING are
 * acknowledged. Loopback only; bounded in count and time; removes what it made. On a machine of few cores the agents and
 * the callers share them with the server, so what stays comparable is the server's processor time per thousand tasks.
 */
const USAGE = `usage: bench/launch-rate.ts [--agents 1000,5000] [--tasks 1000,10000,100000] [--rate 0,800]
  [--callers 8] [--backlog 2500] [--start-ms 200] [--limit-seconds 400] [--operation RunTask|StartTask]
  [--profile DIRECTORY]
  --rate     tasks to ask for each second; 0: as many as the backlog allows
  --backlog  tasks that were asked for and are not RUNNING yet, at most`;

const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "1000,5000" },
    tasks: { type: "string", default: "1000,10000,100000" },
    rate: { type: "string", default: "0" },
    callers: { type: "string", default: "8" },
    backlog: { type: "string", default: "2500" },
    "start-ms": { type: "string", default: "200" },
    "limit-seconds": { type: "string", default: "400" },
    operation: { type: "string", default: "RunTask" },
    profile: { type: "string" },
  },
});
const whole = (text: string, most: number): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > most)
    throw new Error(`${text} is not 0 to ${most}\n${USAGE}`);
  return number;
};
const { operation } = values;
if (operation !== "RunTask" && operation !== "StartTask") throw new Error(USAGE);
const plan: Omit<LaunchPlan, "rate"> = {
  operation,
  callers: whole(values.callers, 256),
  backlog: whole(values.backlog, 100_000),
  startMs: whole(values["start-ms"], 60_000),
  limitSeconds: whole(values["limit-seconds"], 3_600),
  profileDir: values.profile,
};
const list = (text: string, most: number) => text.split(",").map((one) => whole(one, most));
const rows: LaunchRow[] = [];
for (const agents of list(values.agents, 5_000))
  for (const tasks of list(values.tasks, 200_000))
    for (const rate of list(values.rate, 100_000)) rows.push(await measure(agents, tasks, rate));
if (rows.length > 1) {
  console.log("\nall runs");
  console.table(rows);
}

async function measure(agents: number, tasks: number, rate: number): Promise<LaunchRow> {
  const server = await startControlPlane({ profileDir: plan.profileDir });
  let fleet: Fleet | undefined;
  try {
    await prepare(server);
    const began = performance.now();
    fleet = await openFleet(server.caller, { agents, processes: 1, startMs: plan.startMs });
    const joined = (performance.now() - began) / 1000;
    const idle = server.usage();
    console.log(
      `\n${agents} agents (joined in ${joined.toFixed(1)} s, server ${idle.rssMiB.toFixed(0)} MiB), ${tasks} tasks, ` +
        `${rate === 0 ? `at most ${plan.backlog} on their way` : `${rate}/s asked for`}`,
    );
    const run = new LaunchRun(server, fleet, tasks, { ...plan, rate });
    await run.go();
    const row = { agents, tasks, "asked/s": rate === 0 ? "all" : String(rate), ...run.tell() };
    console.table([row]);
    return row;
  } finally {
    await fleet?.close();
    await server.close();
  }
}

interface LaunchRow extends LaunchFigures {
  readonly agents: number;
  readonly tasks: number;
  readonly "asked/s": string;
}

async function prepare({ caller }: ControlPlane): Promise<void> {
  const connection = new SignedConnection(caller, new CallWriter(caller));
  await connection.call("CreateCluster", {});
  await connection.call("RegisterTaskDefinition", DEFINITION);
  connection.close();
}
