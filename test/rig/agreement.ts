import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ContainerInstance,
  DescribeContainerInstancesCommand,
  DescribeTasksCommand,
  ListContainerInstancesCommand,
  ListTasksCommand,
  type Task,
} from "@aws-sdk/client-ecs";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLog } from "../../src/runtime/log.ts";
import { MIGRATIONS, openStore, SCHEMA, sqliteJournal } from "../../src/store/index.ts";
import type { Cluster } from "./cluster.ts";

/** Every task of the cluster that is not STOPPED. */
export async function livingTasks({ ecs }: Cluster): Promise<Task[]> {
  const running = await ecs.send(new ListTasksCommand({ desiredStatus: "RUNNING" }));
  const stopping = await ecs.send(new ListTasksCommand({ desiredStatus: "STOPPED" }));
  const arns = [...(running.taskArns ?? []), ...(stopping.taskArns ?? [])];
  const tasks: Task[] = [];
  for (let from = 0; from < arns.length; from += 100) {
    const described = await ecs.send(new DescribeTasksCommand({ tasks: arns.slice(from, from + 100) }));
    tasks.push(...(described.tasks ?? []).filter((task) => task.lastStatus !== "STOPPED"));
  }
  return tasks;
}

/** The containers of tasks that run, on each engine, by the host's name. */
export async function containersByHost(cluster: Cluster): Promise<Map<string, string[]>> {
  const lists = await Promise.all(
    cluster.hosts.map(async (host) => {
      const filter = ["--filter", "label=com.amazonaws.ecs.task-arn"];
      const ids = await cluster.docker(host, "ps", "-q", "--no-trunc", ...filter);
      return [host.name, ids.split("\n").filter(Boolean).sort()] as const;
    }),
  );
  return new Map(lists);
}

/**
 * Fails unless records, engines and instances say the same: the containers that run are those of tasks that are RUNNING, each
 * on the host that the records name, and every instance has given away just what its tasks hold.
 */
export async function assertAgreement(cluster: Cluster): Promise<void> {
  const tasks = await livingTasks(cluster);
  const instances = await describeInstances(cluster);
  const engines = await containersByHost(cluster);
  for (const instance of instances) {
    const own = tasks.filter((task) => task.containerInstanceArn === instance.containerInstanceArn);
    const host = instance.attributes?.find((a) => a.name === "berth.host-name")?.value ?? "";
    const wanted = own.flatMap((task) => (task.containers ?? []).map((c) => c.runtimeId ?? "")).sort();
    assert.deepEqual(engines.get(host), wanted, `the containers of ${host} are those of its tasks`);
    assertHeld(instance, own, host);
  }
  const known = new Set(instances.map((i) => i.containerInstanceArn));
  for (const task of tasks)
    assert.ok(known.has(task.containerInstanceArn), `${task.taskArn} is on an instance that is there`);
}

function assertHeld(instance: ContainerInstance, tasks: readonly Task[], host: string): void {
  const held = (name: string) => amount(instance.registeredResources, name) - amount(instance.remainingResources, name);
  const asked = (of: "cpu" | "memory") =>
    tasks.flatMap((task) => task.containers ?? []).reduce((sum, container) => sum + Number(container[of] ?? 0), 0);
  assert.equal(held("CPU"), asked("cpu"), `CPU that the tasks on ${host} hold`);
  assert.equal(held("MEMORY"), asked("memory"), `memory that the tasks on ${host} hold`);
  assert.equal(instance.runningTasksCount, tasks.filter((task) => task.lastStatus === "RUNNING").length);
}

function amount(resources: ContainerInstance["registeredResources"], name: string): number {
  return resources?.find((resource) => resource.name === name)?.integerValue ?? 0;
}

export async function describeInstances({ ecs }: Cluster): Promise<ContainerInstance[]> {
  const { containerInstanceArns = [] } = await ecs.send(new ListContainerInstancesCommand({}));
  if (containerInstanceArns.length === 0) return [];
  const described = await ecs.send(
    new DescribeContainerInstancesCommand({ containerInstances: containerInstanceArns }),
  );
  return described.containerInstances ?? [];
}

/** The addresses to which HAProxy may send, as `address:port`, sorted: its servers that are up and not in maintenance. */
export async function haproxyServers({ dataDir }: Cluster): Promise<string[]> {
  const answer = await ask(join(dataDir, "haproxy", "runtime.sock"), "show servers state");
  const [, names = "", ...rows] = answer.split("\n").filter((line) => line !== "");
  const columns = names.replace(/^# /, "").split(" ");
  const open = rows
    .map((row) => new Map(row.split(" ").map((value, i) => [columns[i], value])))
    .filter((row) => row.get("be_name")?.startsWith("tg.") === true) // others lead to HAProxy's own workers
    .filter((row) => row.get("srv_op_state") === "2" && row.get("srv_admin_state") === "0")
    .map((row) => `${row.get("srv_addr")}:${row.get("srv_port")}`);
  return [...new Set(open)].sort(); // each target is there twice: by itself, and for when no target is healthy
}

function ask(path: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = createConnection(path, () => socket.write(`${command}\n`)).setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

/** Where the load balancer is to send traffic: host address and port of each RUNNING task. */
export async function targetAddresses(cluster: Cluster): Promise<string[]> {
  const address = new Map(cluster.hosts.map((host) => [host.name, host.address]));
  const hostOf = new Map(
    (await describeInstances(cluster)).map((i) => [
      i.containerInstanceArn,
      i.attributes?.find((a) => a.name === "berth.host-name")?.value ?? "",
    ]),
  );
  return (await livingTasks(cluster))
    .filter((task) => task.lastStatus === "RUNNING")
    .flatMap((task) => {
      const host = address.get(hostOf.get(task.containerInstanceArn) ?? "");
      return (task.containers ?? []).flatMap((c) => (c.networkBindings ?? []).map((b) => `${host}:${b.hostPort}`));
    })
    .sort();
}

/** Opens a copy of the server's file, as a restart would, and fails unless tables, indexes and bookkeeping are in order. */
export async function assertStoreInOrder({ dataDir }: Cluster): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), "berth-store-"));
  try {
    for (const file of readdirSync(dataDir).filter((name) => name.startsWith("berth.db")))
      cpSync(join(dataDir, file), join(copy, file));
    const journal = sqliteJournal({ path: join(copy, "berth.db"), clock: systemClock(), log: silentLog() });
    const store = await openStore({ schema: SCHEMA, migrations: MIGRATIONS, journal, log: silentLog() });
    try {
      store.verify();
    } finally {
      await store.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The command lines of processes that name `text`, our own left out. */
export function processesNaming(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(text));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return ""; // it ended meanwhile
  }
}
