import type { Chance } from "./chance.ts";
import type { Edge } from "./edges.ts";
import type { FaultKind } from "./scenario.ts";
import type { Machine, World } from "./world.ts";

/** How long things take until they are well again, in milliseconds. Some are shorter than a host's grace, some longer. */
const SHORT_MS = [200, 5_000] as const;
const LONG_MS = [5_000, 180_000] as const;
/** Between two faults of one balancer, on average. */
const EDGE_FAULT_MS = 12 * 60_000;
/** How far the wall clock of the control plane is off after a jump: within what signatures allow, and beyond it. */
const USUAL_JUMP_MS = 4 * 60_000;
const MOST_JUMP_MS = 20 * 60_000;

/** Brings the scenario's faults about, each kind by a stream of its own, while the world is not calm. */
export function startFaults(world: World): void {
  for (const [kind, meanMs] of Object.entries(world.scenario.faults) as [FaultKind, number][]) {
    const chance = world.streams.of(`fault ${kind}`);
    const next = () => {
      world.time.after(chance.wait(meanMs), () => {
        if (!world.isCalm) new Fault(world, chance).happen(kind);
        next();
      });
    };
    next();
  }
  for (const edge of world.balancers.edges) troubleEdge(world, edge);
}

/** From time to time a balancer is cut off from the control plane, or from all targets. */
function troubleEdge(world: World, edge: Edge): void {
  const chance = world.streams.of(`faults of ${edge.name}`);
  const next = () => {
    world.time.after(chance.wait(EDGE_FAULT_MS), () => {
      const [least, most] = chance.is(0.5) ? SHORT_MS : LONG_MS;
      const ms = chance.between(least, most);
      const isBlind = chance.is(0.4);
      if (!world.isCalm) {
        world.story.tell("fault", `${edge.name} is ${isBlind ? "blind" : "cut off"} for ${Math.round(ms)} ms`);
        if (isBlind) blind(world, edge, true);
        else edge.cut();
        world.time.after(ms, () => (isBlind ? blind(world, edge, false) : edge.heal()));
      }
      next();
    });
  };
  next();
}

function blind(world: World, edge: Edge, isBlind: boolean): void {
  edge.isBlind = isBlind;
  world.balancers.look();
}

class Fault {
  readonly #world: World;
  readonly #chance: Chance;

  constructor(world: World, chance: Chance) {
    this.#world = world;
    this.#chance = chance;
  }

  happen(kind: FaultKind): void {
    const world = this.#world;
    switch (kind) {
      case "crash":
        world.plane.crash("killed");
        this.#later(this.#ms(), () => startPlane(world));
        return;
      case "crash-at-commit":
        world.dieAtCommit = this.#chance.int(0, 12);
        this.#tell("dies at a commit to come");
        return;
      case "restart":
        this.#restart();
        return;
      case "pause":
        this.#pause();
        return;
      case "clock-jump":
        world.wall.offsetMs = this.#chance.between(-1, 1) * (this.#chance.is(0.8) ? USUAL_JUMP_MS : MOST_JUMP_MS);
        this.#tell(`the clock is ${Math.round(world.wall.offsetMs / 1000)} s ahead`);
        return;
      case "slow-disk":
        world.slowDiskMs = this.#chance.pick([50, 500, 3_000]);
        this.#tell(`the disk is slow by ${world.slowDiskMs} ms`);
        this.#later(this.#ms(), () => {
          world.slowDiskMs = 0;
        });
        return;
      default:
        this.#toMachine(kind);
        return;
    }
  }

  #toMachine(kind: FaultKind): void {
    const machine = this.#chance.pick(this.#world.machines);
    const { host } = machine;
    switch (kind) {
      case "cut":
        this.#cut(machine, this.#ms());
        return;
      case "cut-many": {
        const ms = this.#ms();
        for (const one of this.#world.machines)
          if (this.#chance.is(0.6)) this.#cut(one, ms * this.#chance.between(0.8, 1.2));
        return;
      }
      case "slow-network":
        host.link.slowMs = this.#chance.pick([50, 500, 2_000]);
        this.#tell(`${host.plan.name}'s network is slow by ${host.link.slowMs} ms`);
        this.#later(this.#ms(), () => {
          host.link.slowMs = 0;
        });
        return;
      case "agent-killed":
        this.#tell(`${host.plan.name}'s agent is killed`);
        this.#world.killAgent(machine);
        this.#later(this.#ms(), () => this.#world.startAgent(machine));
        return;
      case "agent-frozen": {
        const ms = this.#ms();
        this.#tell(`${host.plan.name}'s agent is stopped for ${Math.round(ms)} ms`);
        machine.agent?.clock.pause(ms);
        return;
      }
      case "host-lost":
        this.#tell(`${host.plan.name} is lost`);
        this.#world.loseHost(machine);
        this.#later(this.#chance.between(20_000, 15 * 60_000), () => this.#world.restoreHost(machine));
        return;
      case "container-killed": {
        const container = this.#chance.maybe([...host.containers.values()].filter((c) => c.status === "running"));
        if (container !== undefined) host.exit(container, 137, this.#chance.is(0.5));
        return;
      }
    }
  }

  #cut(machine: Machine, ms: number): void {
    const { link, plan } = machine.host;
    if (link.isCut) return;
    this.#tell(`${plan.name} is cut off for ${Math.round(ms)} ms`);
    link.cut();
    this.#later(ms, () => {
      this.#tell(`${plan.name} is reachable again`);
      link.heal();
    });
  }

  #restart(): void {
    const world = this.#world;
    this.#tell("the control plane is restarted");
    void world.plane.stop().then(() => this.#later(this.#ms(), () => startPlane(world)));
  }

  #pause(): void {
    const ms = this.#chance.between(500, 20_000);
    this.#tell(`the control plane is stopped for ${Math.round(ms)} ms`);
    this.#world.pausePlane(ms);
  }

  #ms(): number {
    const [least, most] = this.#chance.is(0.5) ? SHORT_MS : LONG_MS;
    return this.#chance.between(least, most);
  }

  #later(ms: number, fn: () => void): void {
    this.#world.time.after(ms, fn);
  }

  #tell(what: string): void {
    this.#world.story.tell("fault", what);
  }
}

/** Starts the control plane if it is down. */
export function startPlane(world: World): void {
  if (world.plane.isBusy) return;
  void world.plane.start();
}

/** Everything that is broken is made well. */
export function mend(world: World): void {
  world.slowDiskMs = 0;
  world.dieAtCommit = undefined;
  world.wall.offsetMs = 0;
  startPlane(world);
  for (const edge of world.balancers.edges) {
    edge.heal();
    blind(world, edge, false);
  }
  for (const machine of world.machines) {
    machine.host.link.slowMs = 0;
    if (machine.host.link.isCut) machine.host.link.heal();
    world.restoreHost(machine);
    world.startAgent(machine);
  }
}
