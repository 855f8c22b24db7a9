import { mend, startFaults, startPlane } from "./faults.ts";
import { Patrol } from "./patrol.ts";
import { FAMILIES, setUp } from "./set-up.ts";
import { settle } from "./settle.ts";
import type { Breach } from "./truth.ts";
import { User } from "./users.ts";
import { World } from "./world.ts";

const HOUR = 60 * 60_000;
const SET_UP_LIMIT_MS = 10 * 60_000;
/** How often an operator looks for hosts that are to join anew. */
const RENEW_MS = 3 * 60_000;

/** What came of a simulation. */
export interface Outcome {
  readonly seed: number;
  /** Virtual hours that were simulated. */
  readonly hours: number;
  readonly breach: Breach | undefined;
  /** Over every line of the story. */
  readonly hash: string;
  readonly events: number;
  /** Committed changes that were judged. */
  readonly changes: number;
  /** Processes of the control plane there were. */
  readonly starts: number;
  /** The story's last lines. */
  last(count: number): readonly string[];
}

/** Simulates so many hours of a seed's world, or until a promise is broken. The same seed is the same story each time. */
export async function simulate(seed: number, hours: number, echo?: (line: string) => void): Promise<Outcome> {
  const world = new World(seed, echo);
  await guarded(world, async () => {
    await prepare(world);
    while (world.time.now < hours * HOUR && world.breach === undefined) await epoch(world, hours * HOUR);
  });
  return {
    seed,
    hours: world.time.now / HOUR,
    breach: world.breach,
    hash: world.story.hash,
    events: world.time.count,
    changes: world.oracle.changes,
    starts: world.planeStarts,
    last: (count) => world.story.last(count),
  };
}

/** A rejection that nobody handles, or an error of the simulation's own, is a breach too. */
async function guarded(world: World, run: () => Promise<void>): Promise<void> {
  const stray = (error: unknown) => {
    if (world.plane.running !== undefined)
      world.broken("no rejection is left unhandled", String((error as Error)?.stack ?? error));
  };
  process.on("unhandledRejection", stray);
  try {
    await run();
  } catch (error) {
    world.broken("the simulation goes through", (error as Error).stack ?? String(error));
  } finally {
    process.off("unhandledRejection", stray);
  }
}

async function prepare(world: World): Promise<void> {
  const { scenario, streams, office } = world;
  startPlane(world);
  await world.pass(100);
  const call = (service: "ecs" | "elbv2", operation: string, input: object) =>
    world.call(office, service, operation, input);
  await world.until(setUp(call, scenario.clusters, streams.of("set-up")), SET_UP_LIMIT_MS);
  for (const machine of world.machines) world.startAgent(machine);
  await world.pass(10_000);
  scenario.users.forEach((meanMs, i) => {
    const user = new User({
      chance: streams.of(`user ${i}`),
      caller: office,
      call: world.call,
      clusters: scenario.clusters,
      families: FAMILIES,
      view: () => world.plane.running?.store.view,
      tell: (what) => world.story.tell(`user-${i + 1}`, what),
      broken: (promise, what) => world.broken(promise, what),
      unsound: () => scenario.unsoundRevisions,
      isBusy: () => !world.isCalm,
    });
    void user.live(meanMs);
  });
  startFaults(world);
  keepRunning(world);
  new Patrol(world).start();
}

/** A supervisor starts the control plane again, and an operator renews hosts that were deregistered. */
function keepRunning(world: World): void {
  const chance = world.streams.of("supervisor");
  const look = () => {
    if (world.plane.running === undefined) world.time.after(chance.between(50, 20_000), () => startPlane(world));
    world.time.after(chance.between(5_000, 40_000), look);
  };
  look();
  const renew = () => {
    for (const machine of world.machines) if (!world.isCalm) world.renewHost(machine);
    world.time.after(RENEW_MS, renew);
  };
  renew();
}

/** A time of trouble, and then a time of peace in which everything comes to rest. */
async function epoch(world: World, end: number): Promise<void> {
  const chance = world.streams.of(`epoch ${world.time.now}`);
  world.isCalm = false;
  for (const { host } of world.machines) host.isCalm = false;
  await world.pass(Math.min(chance.between(15, 75) * 60_000, Math.max(0, end - world.time.now)));
  if (world.breach !== undefined) return;
  await settle(world);
  if (world.breach === undefined && chance.is(0.2))
    await world.pass(Math.min(chance.between(1, 3) * HOUR, Math.max(0, end - world.time.now)));
  if (world.breach === undefined) mend(world);
}
