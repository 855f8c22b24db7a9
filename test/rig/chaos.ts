import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StopTaskCommand, UpdateServiceCommand } from "@aws-sdk/client-ecs";
import type { Random } from "../../src/runtime/random.ts";
import { containersByHost } from "./agreement.ts";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import type { HelloService } from "./hello-service.ts";

/** One thing that was done to the cluster. Times on the monotonic clock of this process. */
export interface Fault {
  readonly what: string;
  readonly at: number;
  /** When what it broke was there again, as far as the fault waits for it. */
  readonly until: number;
  /** How long after its end requests may fail because of it: those in flight on what was killed. Undefined: never. */
  readonly mayFailMs: number | undefined;
}

interface Kind {
  readonly what: string;
  readonly mayFailMs?: number;
  run(): Promise<string | undefined>;
}

/** A request that a killed container had in hand is over at once; the kill itself takes a while on a busy machine. */
const CONTAINER_MS = 500;
/**
 * An engine that starts sets up its port forwarding anew, and for 100 to 200 ms connections to its host's containers are
 * refused. The load balancer sends such requests elsewhere; where all other targets have just ended, there is no elsewhere.
 */
const ENGINE_MS = 500;
/** A killed HAProxy is back within a second, or two on a busy machine. */
const HAPROXY_MS = 2_000;
/** A control plane that was killed is there again within this. */
const SERVER_LIMIT_MS = 20_000;

/**
 * Breaks things at random for `ms`: hosts, the service and the control plane each in a lane of their own, so that faults of
 * different lanes meet, and never two hosts at once. Resolves with what was done, when all that was broken by it runs again.
 */
export async function wreakHavoc(
  cluster: Cluster,
  hello: HelloService,
  options: { readonly ms: number; readonly random: Random; readonly maxTasks: number },
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  let endsAt = performance.now() + options.ms;
  const lane = async (kinds: readonly Kind[], pauseMs: number) => {
    while (performance.now() < endsAt) {
      const { what, mayFailMs, run } = pick(kinds, options.random);
      const at = performance.now();
      const detail = await run();
      faults.push({ what: detail === undefined ? what : `${what} ${detail}`, at, until: performance.now(), mayFailMs });
      await sleep(options.random.next() * pauseMs);
    }
  };
  const lanes = [
    lane(hostFaults(cluster, options.random), 1500),
    lane(serviceFaults(cluster, hello, options), 6000),
    lane(controlFaults(cluster, options.random), 8000),
  ];
  await Promise.all(lanes).catch(async (error: unknown) => {
    // No lane may break things behind the back of a test that has failed already.
    endsAt = 0;
    await Promise.allSettled(lanes);
    throw error;
  });
  return faults.sort((a, b) => a.at - b.at);
}

function hostFaults(cluster: Cluster, random: Random): readonly Kind[] {
  const signalContainer = async (...signal: string[]) => {
    const all = [...(await containersByHost(cluster))].flatMap(([name, ids]) => ids.map((id) => ({ name, id })));
    if (all.length === 0) return "none";
    const { name, id } = pick(all, random);
    const host = cluster.hosts.find((h) => h.name === name);
    if (host === undefined) return "none";
    // It may have ended by itself between the list and the signal.
    await cluster.docker(host, "kill", ...signal, id).catch(() => "");
    return id.slice(0, 12);
  };
  const killProcess = async (role: "agent" | "engine" | "supervisor") => {
    const { name } = pick(cluster.hosts, random);
    const before = (await cluster.pids(name))[role];
    if (before === undefined) return `${name}: none`;
    process.kill(before, "SIGKILL");
    await eventually(`${role} of ${name} is back`, 60_000, async () => {
      const { [role]: pid, engine, agent } = await cluster.pids(name);
      return pid !== undefined && pid !== before && engine !== undefined && agent !== undefined;
    });
    await eventually(`the engine of ${name} answers`, 60_000, () => answers(cluster, name));
    return name;
  };
  const freeze = async () => {
    const { name } = pick(cluster.hosts, random);
    const { agent } = await cluster.pids(name);
    if (agent === undefined) return `${name}: none`;
    process.kill(agent, "SIGSTOP");
    await sleep(500 + random.next() * 2400);
    process.kill(agent, "SIGCONT");
    return name;
  };
  const cut = async () => {
    const { name } = pick(cluster.hosts, random);
    await cluster.cable(name, "down");
    await sleep(500 + random.next() * 1500);
    await cluster.cable(name, "up");
    return name;
  };
  return [
    { what: "kill container", mayFailMs: CONTAINER_MS, run: () => signalContainer() },
    { what: "end container", mayFailMs: CONTAINER_MS, run: () => signalContainer("--signal", "TERM") },
    { what: "kill agent", run: () => killProcess("agent") },
    { what: "kill engine", mayFailMs: ENGINE_MS, run: () => killProcess("engine") },
    { what: "kill supervisor", mayFailMs: ENGINE_MS, run: () => killProcess("supervisor") },
    { what: "freeze agent", run: freeze },
    { what: "pull the cable", run: cut },
  ];
}

function serviceFaults(
  { ecs }: Cluster,
  hello: HelloService,
  { random, maxTasks }: { readonly random: Random; readonly maxTasks: number },
): readonly Kind[] {
  return [
    {
      what: "update",
      run: () =>
        persistently(async () => {
          const taskDefinition = `hello:${random.next() < 0.5 ? 1 : 2}`;
          await ecs.send(new UpdateServiceCommand({ service: "hello", taskDefinition }));
          return taskDefinition;
        }),
    },
    {
      what: "scale",
      run: () =>
        persistently(async () => {
          const desiredCount = 3 + Math.floor(random.next() * (maxTasks - 2));
          await ecs.send(new UpdateServiceCommand({ service: "hello", desiredCount }));
          return `to ${desiredCount}`;
        }),
    },
    {
      what: "stop task",
      run: () =>
        persistently(async () => {
          const tasks = (await hello.tasks()).filter((task) => task.lastStatus === "RUNNING");
          if (tasks.length === 0) return "none";
          const { taskArn } = pick(tasks, random);
          await ecs.send(new StopTaskCommand({ task: taskArn }));
          return taskArn?.slice(-6);
        }),
    },
  ];
}

function controlFaults(cluster: Cluster, random: Random): readonly Kind[] {
  return [
    {
      what: "crash the server",
      run: () => cluster.crashServer(() => sleep(random.next() * 1000)).then(() => undefined),
    },
    { what: "kill HAProxy's master", mayFailMs: HAPROXY_MS, run: async () => killHaproxy(masterPid(cluster)) },
    {
      what: "kill HAProxy's worker",
      mayFailMs: HAPROXY_MS,
      run: async () => killHaproxy(childOf(masterPid(cluster))),
    },
  ];
}

function masterPid({ dataDir }: Cluster): number | undefined {
  try {
    return Number(readFileSync(join(dataDir, "haproxy", "haproxy.pid"), "utf8"));
  } catch {
    return undefined; // it is being started
  }
}

function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    return Number(execFileSync("pgrep", ["-n", "-P", String(pid)], { encoding: "utf8" }).trim());
  } catch {
    return undefined; // it has none now
  }
}

function killHaproxy(pid: number | undefined): string {
  if (pid === undefined || !isHaproxy(pid)) return "none";
  process.kill(pid, "SIGKILL");
  return String(pid);
}

function isHaproxy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "haproxy";
  } catch {
    return false;
  }
}

function answers(cluster: Cluster, name: string): Promise<boolean> {
  const host = cluster.hosts.find((h) => h.name === name);
  if (host === undefined) return Promise.resolve(true);
  return cluster.docker(host, "version").then(
    () => true,
    () => false,
  );
}

/** A call that is made again while there is no control plane to answer it. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + SERVER_LIMIT_MS; ; await sleep(100)) {
    try {
      return await call();
    } catch (error) {
      if (!isUnanswered(error) || performance.now() > until) throw error;
    }
  }
}

/** Nothing answered, or what did was on its way up or down: a refusal of the service's own has a `$fault` and is below 500. */
function isUnanswered(error: unknown): boolean {
  const { $fault, $metadata } = error as { $fault?: string; $metadata?: { httpStatusCode?: number } };
  return $fault === undefined || $metadata?.httpStatusCode === 503;
}

function pick<T>(from: readonly T[], random: Random): T {
  const one = from[Math.floor(random.next() * from.length)];
  if (one === undefined) throw new Error("nothing to choose from");
  return one;
}
