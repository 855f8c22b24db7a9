import type { ServiceRecord } from "../src/model/service.ts";
import type { BerthView } from "../src/store/index.ts";
import { disagreement } from "./agreement.ts";
import { isPassing } from "./api-call.ts";
import { kindOf, SOUND_KINDS } from "./behaviour.ts";
import { mend } from "./faults.ts";
import { clusterArnOf, liveTasksIn } from "./users.ts";
import type { World } from "./world.ts";

/** How long everything has to come to rest: the longest throttle, a jump of the clock, and several rollouts of slow images. */
const SETTLE_MS = 150 * 60_000;
const LOOK_MS = 5_000;
/** How long all must be well and no task be moved until it counts as at rest: longer than a move waits for another try. */
const QUIET_MS = 12 * 60_000;
/** How long what has come to rest must stay as it is. */
const STAY_MS = 150_000;
/** What may still be written then: drained targets removed, stopped tasks forgotten, steady states told again. */
const MOST_CHANGES_AT_REST = 20;
const CALL_LIMIT_MS = 10 * 60_000;
/** Families whose tasks have a port of the host to themselves. */
const FIXED: ReadonlySet<string> = new Set(["fixed", "host-mode"]);
/** A deployment that is given up for what went wrong before would stay given up. */
const NO_BREAKER = { enable: false, rollback: false };
/** What one task takes at most, of CPU units and of MiB. */
const LARGEST_TASK = 512;

/**
 * Ends all faults, has an operator wish only for what is possible, and waits until observed equals desired; then the control plane
 * is killed and started once more, which must change nothing.
 */
export async function settle(world: World): Promise<void> {
  world.isCalm = true;
  for (const { host } of world.machines) host.isCalm = true;
  world.story.tell("operator", "all is made well");
  mend(world);
  await world.pass(60_000);
  mend(world);
  await operate(world);
  await reachAgreement(world);
  if (world.breach !== undefined) return;
  await restartInPeace(world);
  world.plane.running?.store.verify();
}

async function reachAgreement(world: World): Promise<void> {
  const until = world.time.now + SETTLE_MS;
  let since = world.time.now;
  let tasks = "";
  let wrong: string | undefined = "nothing was looked at";
  while (world.breach === undefined && world.time.now < until && world.time.now - since < QUIET_MS) {
    await world.pass(LOOK_MS);
    for (const machine of world.machines) world.renewHost(machine);
    const before = tasks;
    tasks = liveTasks(world);
    wrong = disagreement(world) ?? (tasks === before ? undefined : "tasks still come and go");
    if (wrong !== undefined) since = world.time.now;
  }
  if (world.time.now >= until)
    world.broken("when faults stop, observed becomes desired", wrong ?? "it is not for long enough");
}

async function restartInPeace(world: World): Promise<void> {
  const before = liveTasks(world);
  const changes = world.oracle.changes;
  const restarts = world.streams.of(`restart in peace ${world.time.now}`).is(0.5);
  if (restarts) {
    world.plane.crash("killed in peace");
    await world.pass(2_000);
    mend(world);
  }
  await world.pass(STAY_MS);
  const after = liveTasks(world);
  const written = world.oracle.changes - changes;
  if (!restarts && written > MOST_CHANGES_AT_REST) {
    world.broken("no loop keeps itself busy", `${written} changes while everything was at rest`);
  }
  if (before !== after)
    world.broken("a restart of the control plane changes nothing", `tasks were ${before} and are ${after}`);
  const wrong = disagreement(world);
  if (wrong !== undefined) world.broken("what has come to rest stays at rest", wrong);
}

function liveTasks(world: World): string {
  const view = world.plane.running?.store.view;
  const live = [...(view?.tasks.all() ?? [])].filter((t) => t.lastStatus !== "STOPPED").map((t) => t.arn);
  return live.sort().join(" ");
}

/** Makes what is wished possible: sound images, room for all, no instance DRAINING. */
async function operate(world: World): Promise<void> {
  for (const cluster of world.scenario.clusters) {
    const view = world.plane.running?.store.view;
    const arn = view === undefined ? undefined : clusterArnOf(view, cluster);
    if (view === undefined || arn === undefined) continue;
    for (const instance of view.containerInstances.where("cluster", arn)) {
      if (instance.status !== "DRAINING") continue;
      await insist(world, "UpdateContainerInstancesState", {
        cluster,
        containerInstances: [instance.arn],
        status: "ACTIVE",
      });
    }
    await removeGone(world, view, cluster);
    await operateCluster(world, view, cluster, arn);
  }
}

/** Instances whose host has joined anew are deregistered. */
async function removeGone(world: World, view: BerthView, cluster: string): Promise<void> {
  const here = new Set<string | undefined>(world.machines.map((m) => m.disk.arn));
  for (const instance of view.containerInstances.where("cluster", clusterArnOf(view, cluster) ?? "")) {
    if (here.has(instance.arn)) continue;
    await insist(world, "DeregisterContainerInstance", { cluster, containerInstance: instance.arn, force: true });
  }
}

async function operateCluster(world: World, view: BerthView, cluster: string, arn: string): Promise<void> {
  for (const task of liveTasksIn(view, arn)) {
    if (task.serviceArn !== undefined) continue;
    await insist(world, "StopTask", { cluster, task: task.arn });
  }
  const hosts = world.scenario.hosts.filter((h) => h.cluster === cluster);
  const room = hosts.map((h) => Math.floor(Math.min(h.cpu, h.memoryMiB) / LARGEST_TASK));
  const least = room.length === 0 ? 0 : Math.min(...room);
  const active = view.services.where("cluster", arn).filter((s) => s.status === "ACTIVE");
  const familyOf = (s: ServiceRecord) => view.taskDefinitions.get(s.taskDefinitionArn)?.family ?? "";
  const isFixedOne = (s: ServiceRecord) => FIXED.has(familyOf(s)) && s.desiredCount > 0;
  const daemons = active.filter((s) => s.schedulingStrategy === "DAEMON").length;
  // Wherever the others land, each host has room for the daemons, and for the next task with a fixed port.
  const reserved = daemons + new Set(active.filter(isFixedOne).map(familyOf)).size;
  const half = (n: number) => Math.floor(n / 2);
  let slots = half(reserved === 0 ? room.reduce((sum, n) => sum + n, 0) : least - reserved);
  const canBeFixed = hosts.length >= 2 && least >= reserved;
  const portsTaken = new Set<string>();
  for (const service of active) {
    if (service.deploymentController === "EXTERNAL") {
      slots -= await operateSteered(world, view, cluster, service, slots);
      continue;
    }
    const family = familyOf(service);
    const definition = soundDefinition(service, view);
    if (definition === undefined) {
      await insist(world, "DeleteService", { cluster, service: service.name, force: true });
      continue;
    }
    if (service.schedulingStrategy === "DAEMON") {
      const change = { taskDefinition: definition, placementConstraints: [], forceNewDeployment: true };
      const deploymentConfiguration = { minimumHealthyPercent: 0, deploymentCircuitBreaker: NO_BREAKER };
      await insist(world, "UpdateService", { cluster, service: service.name, ...change, deploymentConfiguration });
      continue;
    }
    const isFixed = FIXED.has(family);
    const most = isFixed ? Number(canBeFixed && !portsTaken.has(family)) : slots;
    const desiredCount = Math.max(0, Math.min(service.desiredCount, most));
    if (isFixed && desiredCount > 0) portsTaken.add(family);
    if (!isFixed) slots -= desiredCount;
    await insist(world, "UpdateService", {
      cluster,
      service: service.name,
      desiredCount,
      taskDefinition: definition,
      deploymentConfiguration: {
        minimumHealthyPercent: 100,
        maximumPercent: 200,
        lifecycleHooks: [],
        deploymentCircuitBreaker: NO_BREAKER,
      },
      // One that shifts traffic may wait for somebody, or go back to what does not work: another takes its place.
      forceNewDeployment: service.shift !== undefined || service.deployments.some((d) => d.rolloutState === "FAILED"),
      placementConstraints: [],
      healthCheckGracePeriodSeconds: 120,
    });
  }
}

/** Leaves one task set, with all tasks, if there is one that works. Answers how many tasks it has. */
async function operateSteered(
  world: World,
  view: BerthView,
  cluster: string,
  { name, taskSets = [], desiredCount: wanted }: ServiceRecord,
  most: number,
): Promise<number> {
  const of = { cluster, service: name };
  const sound = taskSets.filter((set) => set.status !== "DRAINING" && isSound(view, set.deployment.taskDefinitionArn));
  const kept = sound.find((set) => set.status === "PRIMARY") ?? sound[0];
  for (const set of taskSets) {
    if (set !== kept) await insist(world, "DeleteTaskSet", { ...of, taskSet: set.arn, force: true });
  }
  const desiredCount = Math.max(0, Math.min(wanted, most));
  await insist(world, "UpdateService", {
    ...of,
    desiredCount,
    deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 200 },
    placementConstraints: [],
    healthCheckGracePeriodSeconds: 120,
  });
  if (kept === undefined) return 0;
  await insist(world, "UpdateTaskSet", { ...of, taskSet: kept.arn, scale: { value: 100 } });
  return desiredCount;
}

function isSound(view: BerthView, arn: string): boolean {
  const record = view.taskDefinitions.get(arn);
  const image = record?.definition.containerDefinitions?.[0]?.image ?? "";
  return record?.status === "ACTIVE" && SOUND_KINDS.includes(kindOf(image));
}

/** The service's own task definition if its image is sound, else the newest sound one of its family. */
function soundDefinition(service: ServiceRecord, view: BerthView): string | undefined {
  if (isSound(view, service.taskDefinitionArn)) return service.taskDefinitionArn;
  const family = view.taskDefinitions.get(service.taskDefinitionArn)?.family ?? "";
  const sound = view.taskDefinitions.where("family", family).filter((d) => isSound(view, d.arn));
  return sound.toSorted((a, b) => b.revision - a.revision)[0]?.arn;
}

/** Calls until it is answered. A refusal is an answer: the world may have moved on. */
async function insist(world: World, operation: string, input: object): Promise<void> {
  const attempt = async () => {
    for (;;) {
      try {
        await world.call(world.office, "ecs", operation, input);
        return;
      } catch (error) {
        if (!isPassing(error)) return;
      }
      await world.office.clock.sleep(1_000);
    }
  };
  await world.until(attempt(), CALL_LIMIT_MS);
}
