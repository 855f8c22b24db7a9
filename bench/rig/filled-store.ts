import { join } from "node:path";
import { capabilityAttributes, LOGGING_DRIVERS } from "../../src/agent/capabilities.ts";
import type { ApiContext } from "../../src/api/context.ts";
import { createEcsService } from "../../src/api/ecs/index.ts";
import { DEFAULT_DEPLOYMENT_SETTINGS } from "../../src/deployment/index.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { createSealer } from "../../src/runtime/sealer.ts";
import { applyReport, launchTask, newTask } from "../../src/state/index.ts";
import { openStore, SCHEMA, sqliteJournal } from "../../src/store/index.ts";
import { createTelemetry } from "../../src/telemetry/index.ts";
import { DEFINITION } from "./launch-run.ts";

/** Tasks that are recorded in one transaction. */
const PER_TRANSACTION = 500;

/** A store as a server leaves it that has launched so many tasks, all RUNNING, evenly over so many instances. */
export async function fillStore(
  dataDir: string,
  { tasks, instances }: { readonly tasks: number; readonly instances: number },
): Promise<void> {
  const clock = systemClock();
  const random = systemRandom();
  const log = silentLog();
  const store = await openStore({
    schema: SCHEMA,
    journal: sqliteJournal({ path: join(dataDir, "berth.db"), clock, log }),
    log,
  });
  const scope = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
  const balancer = {
    address: "127.0.0.1",
    checkBind: async () => undefined,
    status: () => undefined,
    reports: () => [],
    drop: () => {},
  };
  const taskLogs: ApiContext["taskLogs"] = { read: async () => ({ kind: "disconnected" }) };
  const services = { settings: DEFAULT_DEPLOYMENT_SETTINGS, heldHosts: () => new Set<never>() };
  const sealer = createSealer("0".repeat(64), random);
  const context: ApiContext = {
    store,
    clock,
    random,
    log,
    scope,
    pageSecret: "bench",
    sealer,
    balancer,
    telemetry: createTelemetry(store, clock),
    certificates: { hasAcmeServer: false, hasDnsHook: false },
    taskLogs,
    services,
  };
  const call = caller(context);
  await call("CreateCluster", {});
  await call("RegisterTaskDefinition", DEFINITION);
  const attributes = capabilityAttributes({
    apiVersion: "1.47",
    volumeDrivers: ["local"],
    loggingDrivers: LOGGING_DRIVERS,
    taskLimits: true,
    architecture: "x64",
  });
  const totalResources = [
    { name: "CPU", type: "INTEGER", integerValue: 1_048_576 },
    { name: "MEMORY", type: "INTEGER", integerValue: 4_194_304 },
  ];
  for (let i = 0; i < instances; i++) {
    const instanceIdentityDocument = JSON.stringify({ instanceId: `i-${i.toString(16).padStart(17, "0")}` });
    await call("RegisterContainerInstance", { instanceIdentityDocument, totalResources, attributes });
  }
  for (let from = 0; from < tasks; from += PER_TRANSACTION) {
    await store.transact("fill", (tx) => {
      const now = clock.now();
      const [cluster] = tx.clusters.all();
      const [definition] = tx.taskDefinitions.all();
      if (cluster === undefined || definition === undefined) throw new Error("there is nothing to launch");
      const { placement } = tx.containerInstances.derived;
      const hosts = tx.containerInstances.where("cluster", cluster.arn);
      for (let n = from; n < Math.min(tasks, from + PER_TRANSACTION); n++) {
        let instance = hosts[n % hosts.length];
        if (instance === undefined) throw new Error("there is no instance");
        if (!instance.agentConnected) instance = tx.containerInstances.put({ ...instance, agentConnected: true });
        const order = {
          clusterArn: cluster.arn,
          definition,
          instance: placement.occupied(instance),
          group: `family:${definition.family}`,
          tags: {},
        };
        const task = launchTask(tx, newTask(order, { now, random }));
        const containers = task.containers.map(({ name }) => ({
          ...{
            name,
            lastStatus: "RUNNING" as const,
            runtimeId: random.hex(32),
            imageDigest: `sha256:${random.hex(32)}`,
          },
          networkBindings: [
            { bindIP: "0.0.0.0", containerPort: 80, hostPort: 32_768 + (n % 28_000), protocol: "tcp" as const },
          ],
        }));
        applyReport(tx, task, { status: "RUNNING", containers, pullStartedAt: now, pullStoppedAt: now }, now);
      }
    });
  }
  await store.close();
}

function caller(context: ApiContext) {
  const service = createEcsService(context);
  const of = {
    principal: { accessKeyId: "bench", arn: "arn:aws:iam::000000000000:root" },
    ...{ requestId: "bench", sourceIp: "127.0.0.1", host: "127.0.0.1", userAgent: "bench", secure: false },
    signal: new AbortController().signal,
  };
  return (operation: string, input: object) => service.call(operation, input, of);
}
