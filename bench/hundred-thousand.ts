import { parseArgs } from "node:util";
import { startControlPlane } from "./rig/control-plane.ts";
import { fillStore } from "./rig/filled-store.ts";
import { Latencies } from "./rig/latencies.ts";
import { DEFINITION } from "./rig/launch-run.ts";
import { CallWriter, SignedConnection } from "./rig/signed-http.ts";

/**
 * What one control plane costs that holds so many RUNNING tasks: how long it takes to start on them, its memory, and RunTask,
 * DescribeTasks and ListTasks over HTTP, one call at a time. Its numbers of tasks are told one beside the other, since
 * what a call costs must not grow with them.
 */
const USAGE = "usage: bench/hundred-thousand.ts [--tasks 1000,10000,100000] [--instances 1000] [--calls 1000]";

const { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000,10000,100000" },
    instances: { type: "string", default: "1000" },
    calls: { type: "string", default: "1000" },
  },
});
const [instances, calls] = [Number(values.instances), Number(values.calls)];
const sizes = values.tasks.split(",").map(Number);
const isWhole = (number: number, most: number) => Number.isInteger(number) && number > 0 && number <= most;
if (!isWhole(instances, 10_000) || !isWhole(calls, 100_000) || !sizes.every((size) => isWhole(size, 500_000)))
  throw new Error(USAGE);

const rows = [];
for (const tasks of sizes) rows.push(await measure(tasks));
console.table(rows);

async function measure(tasks: number) {
  let filledAt = 0;
  const server = await startControlPlane({
    prepare: async (dataDir) => {
      await fillStore(dataDir, { tasks, instances });
      filledAt = performance.now();
    },
    // The instances have no agents here: they count as connected, as the records say.
    args: ["--start-grace", "3600"],
  });
  const startMs = performance.now() - filledAt;
  try {
    const connection = new SignedConnection(server.caller, new CallWriter(server.caller));
    const atStart = server.usage();
    const listed = new Latencies();
    const arns: string[] = [];
    let nextToken: string | undefined;
    do {
      const answer = await listed.time(() =>
        connection.call<{ taskArns: string[]; nextToken?: string }>("ListTasks", { nextToken }),
      );
      arns.push(...answer.taskArns);
      nextToken = answer.nextToken;
    } while (nextToken !== undefined);
    if (arns.length !== tasks) throw new Error(`ListTasks named ${arns.length} of ${tasks} tasks`);
    const [described, started] = [new Latencies(), new Latencies()];
    for (let i = 0; i < calls; i++) {
      const some = Array.from({ length: 10 }, (_, n) => arns[(i * 7919 + n * 104_729) % arns.length]);
      await described.time(() => connection.call("DescribeTasks", { tasks: some }));
      await started.time(() => connection.call("RunTask", { taskDefinition: DEFINITION.family }));
    }
    const atEnd = server.usage();
    connection.close();
    return {
      tasks,
      "start ms": Math.round(startMs),
      "RSS MiB": Math.round(atStart.rssMiB),
      "then, peak": Math.round(atEnd.peakMiB),
      "ListTasks p50 / p99 ms": listed.summary(),
      "DescribeTasks of 10": described.summary(),
      RunTask: started.summary(),
      "CPU ms per call": (((atEnd.cpuSeconds - atStart.cpuSeconds) * 1000) / (listed.count + calls * 2)).toFixed(2),
    };
  } finally {
    await server.close();
  }
}
