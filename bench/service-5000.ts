import { parseArgs } from "node:util";
import { type ControlPlane, startControlPlane, type Usage } from "./rig/control-plane.ts";
import { type Fleet, openFleet } from "./rig/fleet.ts";
import { DEFINITION } from "./rig/launch-run.ts";
import { CallWriter, SignedConnection } from "./rig/signed-http.ts";

/**
 * How long a service of so many tasks takes from CreateService until all are planned, all are RUNNING and it is steady, and
 * what that costs the server. Simulated agents on real websockets, over HTTP, store on disk.
 */
const USAGE =
  "usage: bench/service-5000.ts [--tasks 1000,5000] [--agents 200] [--limit-seconds 300] [--profile DIRECTORY]";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000,5000" },
    agents: { type: "string", default: "200" },
    "limit-seconds": { type: "string", default: "300" },
    profile: { type: "string" },
  },
});
const [agents, limitSeconds] = [Number(values.agents), Number(values["limit-seconds"])];
const sizes = values.tasks.split(",").map(Number);
const isWhole = (number: number, most: number) => Number.isInteger(number) && number > 0 && number <= most;
if (!isWhole(agents, 5_000) || !isWhole(limitSeconds, 3_600) || !sizes.every((size) => isWhole(size, 20_000)))
  throw new Error(USAGE);

/** Between two looks at the service. */
const LOOK_MS = 50;

interface Service {
  readonly runningCount: number;
  readonly pendingCount: number;
  readonly events: readonly { readonly message: string }[];
}

async function measure(tasks: number) {
  const server = await startControlPlane({ profileDir: values.profile });
  let fleet: Fleet | undefined;
  const connection = new SignedConnection(server.caller, new CallWriter(server.caller));
  try {
    await connection.call("CreateCluster", {});
    await connection.call("RegisterTaskDefinition", DEFINITION);
    fleet = await openFleet(server.caller, { agents, processes: 1, startMs: 200 });
    const service = { serviceName: "big", taskDefinition: DEFINITION.family };
    const steps = new Steps(server, tasks);
    steps.begin();
    await connection.call("CreateService", { ...service, desiredCount: tasks });
    const isSteady = ({ events }: Service) => events[0]?.message.endsWith("has reached a steady state.") === true;
    await steps.until("planned", connection, (s) => s.runningCount + s.pendingCount === tasks);
    await steps.until("RUNNING", connection, (s) => s.runningCount === tasks);
    await steps.until("steady", connection, isSteady);
    return steps.rows;
  } finally {
    connection.close();
    await fleet?.close();
    await server.close();
  }
}

/** What it took until a service had come so far, from the beginning. */
class Steps {
  readonly rows: Readonly<Record<string, string | number>>[] = [];
  readonly #server: ControlPlane;
  readonly #tasks: number;
  #began = 0;
  #before: Usage;

  constructor(server: ControlPlane, tasks: number) {
    this.#server = server;
    this.#tasks = tasks;
    this.#before = server.usage();
  }

  begin(): void {
    this.#began = performance.now();
    this.#before = this.#server.usage();
  }

  async until(step: string, connection: SignedConnection, isDone: (service: Service) => boolean): Promise<void> {
    for (;;) {
      const { services } = await connection.call<{ services: Service[] }>("DescribeServices", { services: ["big"] });
      if (services[0] !== undefined && isDone(services[0])) break;
      if (performance.now() - this.#began > limitSeconds * 1000)
        throw new Error(`not ${step} after ${limitSeconds} s: ${JSON.stringify(services[0]).slice(0, 600)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const usage = this.#server.usage();
    const cpu = usage.cpuSeconds - this.#before.cpuSeconds;
    this.rows.push({
      tasks: this.#tasks,
      step,
      seconds: Number(((performance.now() - this.#began) / 1000).toFixed(2)),
      "server CPU s": Number(cpu.toFixed(2)),
      "per 1,000 tasks": Number(((cpu / this.#tasks) * 1000).toFixed(3)),
      "RSS MiB": Math.round(usage.rssMiB),
    });
  }
}

const rows = [];
for (const tasks of sizes) rows.push(...(await measure(tasks)));
console.table(rows);
