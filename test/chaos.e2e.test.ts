import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { UpdateServiceCommand } from "@aws-sdk/client-ecs";
import { seededRandom } from "../src/runtime/random.ts";
import {
  assertAgreement,
  assertStoreInOrder,
  haproxyServers,
  livingTasks,
  processesNaming,
  targetAddresses,
} from "./rig/agreement.ts";
import { type Fault, wreakHavoc } from "./rig/chaos.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { deployHello, type HelloService } from "./rig/hello-service.ts";
import { connectedHosts } from "./rig/joined.ts";
import { type Failure, startLoad } from "./rig/load.ts";

/** BERTH_CHAOS_SECONDS: how long things are broken, 1 to 86400. BERTH_CHAOS_SEED: an earlier run's seed, to break much the same. */
const SECONDS = Number(process.env.BERTH_CHAOS_SECONDS ?? 25);
const SEED = Number(process.env.BERTH_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
const HOSTS = 3;
const TASKS = 6;
const REQUESTS_PER_SECOND = 100;

let cluster: Cluster;
let hello: HelloService;

before(async () => {
  // Hosts come back here, and where tasks are afterwards is what is looked at: evening out would move some.
  cluster = await startCluster({ hosts: HOSTS, serverArgs: ["--rebalance-after", "3600"] });
  hello = await deployHello(cluster, { tasks: TASKS, hosts: HOSTS });
});
after(() => cluster?.close());

test("whatever breaks, in the end the service is as it was wished, and all that keeps book agrees", async () => {
  console.log(`BERTH_CHAOS_SEED=${SEED} BERTH_CHAOS_SECONDS=${SECONDS}`);
  const load = startLoad(hello.url, REQUESTS_PER_SECOND, SECONDS * 1000 + 240_000);
  let faults: readonly Fault[] = [];
  try {
    faults = await wreakHavoc(cluster, hello, {
      ms: SECONDS * 1000,
      random: seededRandom(SEED),
      maxTasks: TASKS + 3,
    });
    const began = performance.now();
    await cluster.ecs.send(new UpdateServiceCommand({ service: "hello", desiredCount: TASKS }));
    await eventually("all hosts are connected", 30_000, async () => (await connectedHosts(cluster)) === HOSTS);
    await hello.stable(120);
    console.log(`stable ${Math.round(performance.now() - began)} ms after the last fault`);
    await eventually("what was to stop has stopped", 60_000, async () => (await livingTasks(cluster)).length === TASKS);
    await assertAgreement(cluster);
    await agrees("HAProxy's servers", () => haproxyServers(cluster), await targetAddresses(cluster));
    await cluster.crashServer(() => assertStoreInOrder(cluster));
    await hello.stable(60);
    const result = await load.stop();
    console.log(`${faults.length} faults; ${result.failures.length} of ${result.sent} requests failed`);
    for (const line of account(faults, result.failures)) console.log(line);
    const unexplained = result.failures.filter((failure) => causeOf(faults, failure) === undefined);
    assert.deepEqual(unexplained, [], "requests failed that were in flight on nothing that was killed");
  } catch (error) {
    const story = faults.map(({ what, at, until }) => `${Math.round(at)} .. ${Math.round(until)} ${what}`);
    console.log(story.join("\n"));
    throw error;
  } finally {
    await load.stop();
  }
});

test("nothing is left of a cluster that is closed", async () => {
  await cluster.close();
  await eventually("every process is gone", 10_000, () => processesNaming(cluster.dataDir).length === 0).catch(() =>
    assert.deepEqual(processesNaming(cluster.dataDir), []),
  );
});

/** Waits until a list is as it should be, and fails with both when it does not become so. */
async function agrees(what: string, read: () => Promise<string[]>, wanted: readonly string[]): Promise<void> {
  const same = async () => `${await read()}` === `${wanted}`;
  await eventually(what, 10_000, same).catch(async () => assert.deepEqual(await read(), wanted, what));
}

/** What was killed that the request was under way on. A HAProxy rather than a container: it takes more along. */
function causeOf(faults: readonly Fault[], { failedAt }: Failure): Fault | undefined {
  const causes = faults.filter(
    (f) => f.mayFailMs !== undefined && f.at <= failedAt && failedAt <= f.until + f.mayFailMs,
  );
  return causes.find((f) => f.what.includes("HAProxy")) ?? causes.at(-1);
}

/** What failed because of each fault, one line for each that cost something. */
function account(faults: readonly Fault[], failures: readonly Failure[]): string[] {
  const lines = new Map<Fault | undefined, Failure[]>();
  for (const failure of failures) {
    const cause = causeOf(faults, failure);
    lines.set(cause, [...(lines.get(cause) ?? []), failure]);
  }
  return [...lines].map(([fault, failed]) => {
    const times = failed.map((f) => Math.round(f.failedAt - (fault?.at ?? 0)));
    const reasons = [...new Set(failed.map((f) => f.why))].join(", ");
    return `${failed.length} failed, ${Math.min(...times)} to ${Math.max(...times)} ms after: ${fault?.what} (${reasons})`;
  });
}
