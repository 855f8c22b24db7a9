import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  DescribeClustersCommand,
  DescribeTasksCommand,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
  StopTaskCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";

/** How many containers are started at once: two RunTask calls of ten, which is the most that one call may ask for. */
export const LAUNCHES = 20;

/** How long one round took, in milliseconds. */
export interface LaunchRound {
  readonly dockerMs: number;
  readonly berthMs: number;
}

const run = promisify(execFile);

/** What one way leaves behind (processes that end, files that are removed) must not slow the other. */
const SETTLE_MS = 1_000;

/**
 * Starts twenty containers with twenty parallel `docker run -d` and twenty with two RunTask calls, on the first host of the
 * cluster, over and over, each way first in turn. The first round warms both up and is not told.
 */
export async function* launchRace(cluster: Cluster, rounds: number): AsyncGenerator<LaunchRound> {
  await cluster.ecs.send(
    new RegisterTaskDefinitionCommand({
      family: "launch",
      containerDefinitions: [
        { name: "web", image: "hello:v1", cpu: 2, memory: 16, portMappings: [{ containerPort: 80 }], stopTimeout: 2 },
      ],
    }),
  );
  for (let round = 0; round <= rounds; round++) {
    let dockerMs = 0;
    if (round % 2 === 0) dockerMs = await byDocker(cluster);
    const berthMs = await byBerth(cluster);
    if (round % 2 === 1) dockerMs = await byDocker(cluster);
    if (round > 0) yield { dockerMs, berthMs };
  }
}

/** Time of Berth over time of Docker, from the medians of both. */
export function medianRatio(rounds: readonly LaunchRound[]): number {
  return ratio(rounds, (sorted) => sorted[Math.floor(sorted.length / 2)] ?? 0);
}

/**
 * Time of Berth over time of Docker, from the shortest of both. What else a machine does can only add to a time, so that the
 * shortest of some rounds come close to what each way costs by itself, on a machine that is busy now and then too.
 */
export function shortestRatio(rounds: readonly LaunchRound[]): number {
  return ratio(rounds, (sorted) => sorted[0] ?? 0);
}

function ratio(rounds: readonly LaunchRound[], of: (sorted: readonly number[]) => number): number {
  const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
  return of(sorted(rounds.map((r) => r.berthMs))) / of(sorted(rounds.map((r) => r.dockerMs)));
}

/** One line for people. */
export function describeRace(rounds: readonly LaunchRound[]): string {
  const each = rounds.map((r) => `${Math.round(r.berthMs)}/${Math.round(r.dockerMs)}`).join(" ");
  const ratios = `of the medians ${medianRatio(rounds).toFixed(2)}, of the shortest ${shortestRatio(rounds).toFixed(2)}`;
  return `${LAUNCHES} tasks RUNNING / ${LAUNCHES} parallel docker run, ms: ${each}; ratio ${ratios}`;
}

async function byDocker({ hosts: [host] }: Cluster): Promise<number> {
  if (host === undefined) throw new Error("the cluster has no host");
  const docker = ["-H", host.dockerHost];
  const limits = ["--memory", "16m", "--cpu-shares", "2", "-p", "80"];
  await settle();
  const startedAt = performance.now();
  const ids = await Promise.all(
    Array.from({ length: LAUNCHES }, () => run("docker", [...docker, "run", "-d", ...limits, "hello:v1"])),
  );
  const ms = performance.now() - startedAt;
  await run("docker", [...docker, "rm", "-f", ...ids.map(({ stdout }) => stdout.trim())]);
  return ms;
}

const settle = () => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));

async function byBerth({ ecs }: Cluster): Promise<number> {
  await settle();
  const before = await counts(ecs);
  const startedAt = performance.now();
  const call = () => ecs.send(new RunTaskCommand({ taskDefinition: "launch", count: LAUNCHES / 2 }));
  const answers = await Promise.all([call(), call()]);
  const arns = answers.flatMap(({ tasks = [] }) => tasks.map(({ taskArn = "" }) => taskArn));
  if (arns.length !== LAUNCHES) throw new Error(`not placed: ${JSON.stringify(answers.flatMap((a) => a.failures))}`);
  const describe = async () => (await ecs.send(new DescribeTasksCommand({ tasks: arns }))).tasks ?? [];
  const all = (status: string) => async () => (await describe()).every((task) => statusOf(task) === status);
  // Two numbers, and not twenty tasks each time: looking must not slow down what is looked at.
  await eventually("twenty tasks run", 60_000, async () => {
    const now = await counts(ecs);
    if (now.running + now.pending < before.running + LAUNCHES) await all("RUNNING")(); // one has ended: says why
    return now.running === before.running + LAUNCHES;
  });
  const ms = performance.now() - startedAt;
  for (const task of arns) await ecs.send(new StopTaskCommand({ task }));
  await eventually("twenty tasks are stopped", 60_000, all("STOPPED"));
  return ms;
}

async function counts(ecs: Cluster["ecs"]): Promise<{ readonly running: number; readonly pending: number }> {
  const { clusters: [cluster] = [] } = await ecs.send(new DescribeClustersCommand({}));
  return { running: cluster?.runningTasksCount ?? 0, pending: cluster?.pendingTasksCount ?? 0 };
}

function statusOf({ lastStatus, stoppedReason }: Task): string | undefined {
  if (lastStatus === "STOPPED" && stoppedReason !== "Task stopped by user")
    throw new Error(`a task ended: ${stoppedReason}`);
  return lastStatus;
}
