import { startCluster } from "../test/rig/cluster.ts";
import { hostsJoined } from "../test/rig/joined.ts";
import { describeRace, type LaunchRound, launchRace } from "../test/rig/launch-race.ts";

/**
 * How long twenty tasks take from RunTask to RUNNING, beside twenty parallel `docker run -d` on the same engine. Needs root
 * on Linux and takes about a minute. Usage: bench/launch.ts [ROUNDS, 1 to 50]
 */
const rounds = Number(process.argv[2] ?? 7);
if (!Number.isInteger(rounds) || rounds < 1 || rounds > 50) throw new Error("usage: bench/launch.ts [ROUNDS, 1 to 50]");
const cluster = await startCluster({ hosts: 1 });
try {
  await hostsJoined(cluster, 1);
  const told: LaunchRound[] = [];
  for await (const round of launchRace(cluster, rounds)) told.push(round);
  console.log(describeRace(told));
} finally {
  await cluster.close();
}
