import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlacementStrategy } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord } from "../model/container-instance.ts";
import { NO_RESOURCES } from "../model/resources.ts";
import { seededRandom } from "../runtime/random.ts";
import { Fleet } from "./fleet.ts";
import { Placer } from "./placer.ts";
import type { Placement } from "./request.ts";
import { instanceWith, requestOf } from "./testing.ts";

const NEED = { ...NO_RESOURCES, cpu: 256, memoryMiB: 256 };
const STEPS = 400;
const SPREADS = ["attribute:zone", "attribute:rack", "attribute:serial", "instanceId"];
const GROUPS = ["everywhere", "few", "none yet"];

/** A cluster that changes at random, as plain records beside the fleet that is told of each change. */
class World {
  readonly fleet = new Fleet();
  readonly instances = new Map<string, ContainerInstanceRecord>();
  readonly tasks: { readonly arn: ContainerInstanceRecord["arn"]; readonly group: string }[] = [];
  readonly random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    const size = 40 + this.pick(120);
    for (let i = 0; i < size; i++) this.set(this.#instance(i));
    // On so many instances that the group is kept as a column, and on some that are not there any more.
    for (let i = 0; i < size; i++) if (this.pick(3) > 0) this.start(this.any().arn, "everywhere");
  }

  pick(n: number): number {
    return Math.floor(this.random.next() * n);
  }

  any(): ContainerInstanceRecord {
    const all = [...this.instances.values()];
    return all[this.pick(all.length)] as ContainerInstanceRecord;
  }

  set(instance: ContainerInstanceRecord): void {
    this.instances.set(instance.arn, instance);
    this.fleet.setInstance(instance.arn, instance);
  }

  start(arn: ContainerInstanceRecord["arn"], group: string): void {
    this.tasks.push({ arn, group });
    this.fleet.addTasks(arn, group, 1);
    this.fleet.hold(arn, NEED);
  }

  /** Something other than the placing of a task. */
  change(): void {
    const instance = this.any();
    switch (this.pick(6)) {
      case 0:
        this.set({ ...instance, status: this.pick(2) === 0 ? "ACTIVE" : "DRAINING" });
        break;
      case 1:
        this.set({ ...instance, agentConnected: this.pick(3) > 0 });
        break;
      case 2:
        this.set({ ...instance, attributes: this.#attributes() });
        break;
      case 3: // leaves while its tasks are still counted
        this.instances.delete(instance.arn);
        this.fleet.setInstance(instance.arn, undefined);
        break;
      case 4:
        if (this.instances.size < 160) this.set(this.#instance(this.pick(200)));
        break;
      default:
        for (let i = 0; i < 5; i++) this.#stop();
    }
  }

  #stop(): void {
    const [task] = this.tasks.splice(this.pick(this.tasks.length), 1);
    if (task === undefined) return;
    this.fleet.addTasks(task.arn, task.group, -1);
    this.fleet.release(task.arn, NEED);
  }

  #instance(i: number): ContainerInstanceRecord {
    const room = { cpu: 256 * this.pick(6), memoryMiB: 256 * this.pick(6) };
    const { used: _, ...record } = instanceWith(`i${i}`, room, { attributes: this.#attributes() });
    return record;
  }

  /** Three zones, a dozen racks, and a serial number of which most have one of their own; some lack some. */
  #attributes() {
    return [
      { name: "zone", value: `z${this.pick(3)}` },
      { name: "rack", value: `r${this.pick(12)}` },
      { name: "serial", value: `s${this.pick(1000)}` },
    ].filter(() => this.pick(20) > 0);
  }
}

/** The plain algorithm: of those on which the task fits, the ARNs among which chance may decide. */
function bestOf(world: World, strategy: readonly PlacementStrategy[], group: string): readonly string[] {
  const all = [...world.instances.values()];
  const peers = (of: (instance: ContainerInstanceRecord) => boolean) =>
    all
      .filter(of)
      .reduce((sum, { arn }) => sum + world.tasks.filter((t) => t.arn === arn && t.group === group).length, 0);
  const left = ({ arn, registered }: ContainerInstanceRecord) => {
    const tasks = world.tasks.filter((task) => task.arn === arn).length;
    return { cpu: registered.cpu - tasks * NEED.cpu, memoryMiB: registered.memoryMiB - tasks * NEED.memoryMiB };
  };
  const score = ({ type, field = "" }: PlacementStrategy, one: ContainerInstanceRecord): number => {
    if (type === "binpack") return left(one).memoryMiB;
    if (field === "instanceId") return peers(({ arn }) => arn === one.arn);
    const name = field.slice("attribute:".length);
    return peers((other) => attributeValue(other, name) === attributeValue(one, name));
  };
  let able = all.filter((one) => {
    const { cpu, memoryMiB } = left(one);
    return one.status === "ACTIVE" && one.agentConnected && cpu >= NEED.cpu && memoryMiB >= NEED.memoryMiB;
  });
  for (const one of strategy) {
    const scores = new Map(able.map((instance) => [instance.arn, score(one, instance)]));
    const lowest = Math.min(...scores.values());
    able = able.filter(({ arn }) => scores.get(arn) === lowest);
  }
  return able.map(({ arn }) => arn);
}

test("[PL5] [PL6] [PL7] [PL8] [PL14] tasks of a changing cluster of many go where the plain algorithm says, and chance says the same in heaps", () => {
  const seen = { placed: 0, refused: 0, byChance: 0 };
  for (let seed = 1; seed <= 12; seed++) {
    const world = new World(seed);
    for (let step = 0; step < STEPS; step++) {
      const group = GROUPS[world.pick(GROUPS.length)] as string;
      const strategy = Array.from({ length: 1 + world.pick(3) }, (): PlacementStrategy => {
        const field = SPREADS[world.pick(SPREADS.length + 1)];
        return field === undefined ? { type: "binpack", field: "memory" } : { type: "spread", field };
      });
      const request = requestOf({ need: NEED, strategy, group });
      const chance = world.pick(1e6);
      const why = `seed ${seed}, step ${step}: ${JSON.stringify(strategy)} of ${group}`;
      const count = 1 + world.pick(3);
      const inHeaps = new Placer(request, world.fleet, seededRandom(chance), 0);
      const expected = Array.from({ length: count }, () => inHeaps.place());
      const placer = new Placer(request, world.fleet, seededRandom(chance));
      for (const same of expected.slice(0, 1 + expected.findIndex(({ kind }) => kind === "refused") || count)) {
        const answer = placer.place();
        assert.equal(arnOf(answer), arnOf(same), why);
        const best = bestOf(world, strategy, group);
        seen[answer.kind]++;
        if (answer.kind === "refused") assert.deepEqual(best, [], why);
        else {
          assert.ok(best.includes(answer.instance.arn), why);
          if (best.length > 1) seen.byChance++;
          world.start(answer.instance.arn, group); // the fleet hears of it before the next one is placed
        }
      }
      world.change();
      if (placer.isFull) for (let i = 0; i < 20; i++) world.change();
    }
  }
  assert.ok(seen.placed > 5000 && seen.refused > 10 && seen.byChance > 500, JSON.stringify(seen));
});

function arnOf(answer: Placement): string {
  return answer.kind === "placed" ? answer.instance.arn : answer.kind;
}
