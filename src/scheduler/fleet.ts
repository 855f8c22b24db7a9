import type { Attribute } from "@aws-sdk/client-ecs";
import { attributeValue, type ContainerInstanceRecord, type OccupiedInstance } from "../model/container-instance.ts";
import { addResources, NO_RESOURCES, type Resources, subtractResources } from "../model/resources.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { atLeast } from "./at-least.ts";
import { AttributeColumn } from "./attribute-column.ts";
import { GroupCounts } from "./group-counts.ts";

/** A slot's state: nothing is known of its instance (or it is INACTIVE). */
export const ABSENT = 0;
/** DRAINING: takes no tasks, but those on it count when tasks are spread. */
export const NOT_ACTIVE = 1;
/** ACTIVE without its agent: takes no tasks, and says so. */
export const DISCONNECTED = 2;
/** ACTIVE and connected. */
export const READY = 3;

/** How many attributes' columns, and how many requirements' verdicts, are kept; the ones unused for longest go first. */
const MAX_ATTRIBUTE_COLUMNS = 8;
const MAX_VERDICT_COLUMNS = 32;
/** How many groups that are on few instances have a column beside: to make one costs more than to place a task by it. */
const MAX_COUNT_COLUMNS = 16;
const FIRST_CAPACITY = 16;

/** What a check that looks at nothing but an instance's own description has said of each slot: 0 not asked, 1 yes, 2 no. */
export interface VerdictColumn {
  verdicts: Uint8Array;
}

/**
 * One cluster's instances and the counts of the tasks on them, as columns with a slot for each instance: what placing a task
 * needs, kept up to date with each change so that placing need not gather it. Whatever the order of the changes was, the
 * same instances and tasks give the same answers. Columns are for reading.
 */
export class Fleet {
  /** All slots, 0 and so on; some may be ABSENT. */
  readonly slots: number[] = [];
  states: Uint8Array = new Uint8Array(FIRST_CAPACITY);
  /** CPU units and MiB that are left. */
  cpu: Int32Array = new Int32Array(FIRST_CAPACITY);
  memoryMiB: Int32Array = new Int32Array(FIRST_CAPACITY);
  /** Of the ARN: what chance is mixed with, so that it does not depend on the order of slots. */
  hashes: Int32Array = new Int32Array(FIRST_CAPACITY);
  /** 0 for each slot. */
  zeros: Int32Array = new Int32Array(FIRST_CAPACITY);
  readonly #records: (ContainerInstanceRecord | undefined)[] = [];
  /** What the tasks on each slot hold. */
  readonly #used: Resources[] = [];
  /** `#records` with `#used`, made when they are asked for. */
  readonly #occupied: (OccupiedInstance | undefined)[] = [];
  readonly #arns: (ContainerInstanceArn | undefined)[] = [];
  readonly #slots = new Map<ContainerInstanceArn, number>();
  readonly #free: number[] = [];
  /** Tasks counted on each slot, for their groups and for what they hold: it is given back without an instance and tasks. */
  #tasks: Int32Array = new Int32Array(FIRST_CAPACITY);
  readonly #groups = new Map<string, GroupCounts>();
  /** Of groups that are on few instances, those that were asked for last. */
  readonly #counts = new Map<GroupCounts, Int32Array>();
  readonly #attributes = new Map<string, AttributeColumn>();
  readonly #verdicts = new Map<string, VerdictColumn>();

  /** A fleet of these instances, with tasks of a group on some; for callers without a store. */
  static of(
    instances: Iterable<OccupiedInstance>,
    counts: { readonly group?: string; readonly peers?: ReadonlyMap<ContainerInstanceArn, number> } = {},
  ): Fleet {
    const fleet = new Fleet();
    for (const { used, ...record } of instances) {
      fleet.setInstance(record.arn, record);
      if (!isNothing(used)) fleet.hold(record.arn, used);
    }
    for (const [arn, count] of counts.peers ?? []) fleet.addTasks(arn, counts.group ?? "", count);
    return fleet;
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  /** The instance of a slot; undefined if it is ABSENT. */
  instance(slot: number): OccupiedInstance | undefined {
    const record = this.#records[slot];
    if (record === undefined) return undefined;
    const occupied = this.#occupied[slot] ?? { ...record, used: this.#used[slot] ?? NO_RESOURCES };
    this.#occupied[slot] = occupied;
    return occupied;
  }

  /** Every instance that is not INACTIVE, by ARN. */
  instances(): readonly OccupiedInstance[] {
    const all = this.#records.flatMap((_, slot) => this.instance(slot) ?? []);
    return all.sort((a, b) => (a.arn < b.arn ? -1 : 1));
  }

  /** What the tasks on the instance hold, whether it is INACTIVE or not. */
  used(arn: ContainerInstanceArn): Resources {
    const slot = this.#slots.get(arn);
    return (slot === undefined ? undefined : this.#used[slot]) ?? NO_RESOURCES;
  }

  /** A fleet on some of whose instances so much more is held. */
  withHeld(more: ReadonlyMap<ContainerInstanceArn, Resources>): Fleet {
    const copy = this.copy();
    for (const [arn, resources] of more) copy.hold(arn, resources);
    return copy;
  }

  /** The same fleet, to be changed apart from this one. */
  copy(): Fleet {
    const copy = new Fleet();
    for (const slot of this.slots) {
      copy.slots.push(slot);
      copy.#records.push(this.#records[slot]);
      copy.#used.push(this.#used[slot] ?? NO_RESOURCES);
      copy.#arns.push(this.#arns[slot]);
    }
    for (const slot of this.#free) copy.#free.push(slot);
    copy.#grow(this.cpu.length);
    copy.states.set(this.states);
    copy.cpu.set(this.cpu);
    copy.memoryMiB.set(this.memoryMiB);
    copy.hashes.set(this.hashes);
    copy.#tasks.set(this.#tasks);
    for (const [arn, slot] of this.#slots) copy.#slots.set(arn, slot);
    for (const [group, counts] of this.#groups) copy.#groups.set(group, counts.copy());
    return copy;
  }

  /** A fleet of one of the instances, with the tasks on it; an empty one if it is not there. */
  only(arn: ContainerInstanceArn): Fleet {
    const slot = this.#slots.get(arn);
    const one = new Fleet();
    if (slot === undefined) return one;
    one.setInstance(arn, this.#records[slot]);
    const used = this.#used[slot] ?? NO_RESOURCES;
    if (!isNothing(used)) one.hold(arn, used);
    for (const [group, counts] of this.#groups) if (counts.of(slot) > 0) one.addTasks(arn, group, counts.of(slot));
    return one;
  }

  slotOf(arn: ContainerInstanceArn): number | undefined {
    return this.#slots.get(arn);
  }

  /** Tasks of the group that are to run on the instance. */
  count(group: string, arn: ContainerInstanceArn): number {
    const slot = this.#slots.get(arn);
    return slot === undefined ? 0 : (this.#groups.get(group)?.of(slot) ?? 0);
  }

  /** Tasks of the group by slot, as long as the other columns. To be read only. */
  counts(group: string): Int32Array {
    const counts = this.#groups.get(group);
    if (counts === undefined) return this.zeros;
    const column = this.#counts.get(counts) ?? counts.column(this.cpu.length);
    if (!counts.isDense) keepLatest(this.#counts, counts, column, MAX_COUNT_COLUMNS);
    return column;
  }

  /** Tasks of the group by the value that their instances have of the attribute: by the ids of its column, a copy. */
  totals(group: string, column: AttributeColumn): Int32Array {
    return column.totals(this.#groups.get(group));
  }

  /** Makes `after` the instance's record; undefined, or an INACTIVE one, takes the instance out. */
  setInstance(arn: ContainerInstanceArn, after: ContainerInstanceRecord | undefined): void {
    const record = after?.status === "INACTIVE" ? undefined : after;
    if (record === undefined && !this.#slots.has(arn)) return;
    const slot = this.#slotFor(arn);
    const before = this.#records[slot];
    this.#records[slot] = record;
    this.states[slot] = stateOf(record);
    this.#settle(slot);
    if (!isDescribedAlike(before, record)) this.#describe(slot);
    this.#giveBack(slot);
  }

  /** A task takes these resources of the instance. */
  hold(arn: ContainerInstanceArn, resources: Resources): void {
    const slot = this.#slotFor(arn);
    this.#used[slot] = addResources(this.#used[slot] ?? NO_RESOURCES, resources);
    this.#tasks[slot] = (this.#tasks[slot] ?? 0) + 1;
    this.#settle(slot);
  }

  /** A task that holds these resources of the instance gives them back. */
  release(arn: ContainerInstanceArn, resources: Resources): void {
    const slot = this.#slotFor(arn);
    this.#used[slot] = subtractResources(this.#used[slot] ?? NO_RESOURCES, resources);
    this.#tasks[slot] = (this.#tasks[slot] ?? 0) - 1;
    this.#settle(slot);
    this.#giveBack(slot);
  }

  /** Counts `difference` more tasks of the group on the instance. */
  addTasks(arn: ContainerInstanceArn, group: string, difference: number): void {
    const slot = this.#slotFor(arn);
    const counts = this.#groups.get(group) ?? new GroupCounts();
    if (counts.total === 0) this.#groups.set(group, counts);
    counts.add(slot, difference, this.cpu.length);
    const kept = this.#counts.get(counts);
    if (kept !== undefined) kept[slot] = counts.of(slot);
    if (counts.isDense || counts.total === 0) this.#counts.delete(counts);
    for (const column of this.#attributes.values()) {
      if (counts.total === 0) column.forget(counts);
      else column.count(counts, slot, difference);
    }
    if (counts.total === 0) this.#groups.delete(group);
    this.#tasks[slot] = (this.#tasks[slot] ?? 0) + difference;
    this.#giveBack(slot);
  }

  /** The column of an attribute's values. */
  attribute(name: string): AttributeColumn {
    const column = this.#attributes.get(name) ?? new AttributeColumn(name, this.#records, this.cpu.length);
    keepLatest(this.#attributes, name, column, MAX_ATTRIBUTE_COLUMNS);
    return column;
  }

  /** The verdicts of the check that `key` stands for; a slot's is forgotten when its instance's description changes. */
  verdicts(key: string): VerdictColumn {
    const column = this.#verdicts.get(key) ?? { verdicts: new Uint8Array(this.cpu.length) };
    keepLatest(this.#verdicts, key, column, MAX_VERDICT_COLUMNS);
    return column;
  }

  /** All that is known, in an order of its own: equal for fleets that would answer alike. */
  snapshot(): readonly unknown[] {
    return [...this.#slots]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([arn, slot]) => ({
        arn,
        record: this.#records[slot],
        used: inOrder(this.#used[slot] ?? NO_RESOURCES),
        columns: [this.states[slot], this.cpu[slot], this.memoryMiB[slot]],
        tasks: this.#tasks[slot],
        groups: [...this.#groups]
          .map(([group, counts]) => [group, counts.of(slot)] as const)
          .filter(([, count]) => count !== 0)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      }));
  }

  /** Works out what the slot has left. */
  #settle(slot: number): void {
    const registered = this.#records[slot]?.registered;
    const used = this.#used[slot] ?? NO_RESOURCES;
    this.cpu[slot] = registered === undefined ? 0 : registered.cpu - used.cpu;
    this.memoryMiB[slot] = registered === undefined ? 0 : registered.memoryMiB - used.memoryMiB;
    this.#occupied[slot] = undefined;
  }

  /** Takes in that the slot's instance is described otherwise now. */
  #describe(slot: number): void {
    for (const [name, column] of this.#attributes) {
      column.describe(slot, this.#records[slot]);
      // Values that come and go would make the numbers grow for ever: the column is made anew when it is next asked for.
      if (column.size > 2 * this.cpu.length) this.#attributes.delete(name);
    }
    for (const column of this.#verdicts.values()) column.verdicts[slot] = 0;
  }

  #slotFor(arn: ContainerInstanceArn): number {
    const known = this.#slots.get(arn);
    if (known !== undefined) return known;
    const slot = this.#free.pop() ?? this.slots.push(this.slots.length) - 1;
    if (slot >= this.cpu.length) this.#grow(this.cpu.length * 2);
    this.#slots.set(arn, slot);
    this.#arns[slot] = arn;
    this.hashes[slot] = hashOf(arn);
    return slot;
  }

  #giveBack(slot: number): void {
    if (this.#records[slot] !== undefined || this.#tasks[slot] !== 0) return;
    const arn = this.#arns[slot];
    if (arn !== undefined) this.#slots.delete(arn);
    this.#arns[slot] = undefined;
    this.#used[slot] = NO_RESOURCES;
    this.#free.push(slot);
  }

  #grow(capacity: number): void {
    this.states = longer(this.states, capacity);
    this.cpu = atLeast(this.cpu, capacity);
    this.memoryMiB = atLeast(this.memoryMiB, capacity);
    this.zeros = atLeast(this.zeros, capacity);
    this.hashes = atLeast(this.hashes, capacity);
    this.#tasks = atLeast(this.#tasks, capacity);
    this.#counts.clear();
    for (const column of this.#attributes.values()) column.grow(capacity);
    for (const column of this.#verdicts.values()) column.verdicts = longer(column.verdicts, capacity);
  }
}

function isNothing({ cpu, memoryMiB, ports, portsUdp, gpus = [] }: Resources): boolean {
  return cpu === 0 && memoryMiB === 0 && ports.length + portsUdp.length + gpus.length === 0;
}

/** Lists whose order says in which order tasks came, without that order. */
function inOrder({ ports, portsUdp, gpus = [], ...amounts }: Resources): Resources {
  return { ...amounts, ports: ports.toSorted(), portsUdp: portsUdp.toSorted(), gpus: gpus.toSorted() };
}

function stateOf(record: ContainerInstanceRecord | undefined): number {
  if (record === undefined) return ABSENT;
  if (record.status !== "ACTIVE") return NOT_ACTIVE;
  return record.agentConnected ? READY : DISCONNECTED;
}

/** True if no check that looks at an instance's description alone could tell the two apart. */
function isDescribedAlike(a: ContainerInstanceRecord | undefined, b: ContainerInstanceRecord | undefined): boolean {
  return (
    a?.attributes === b?.attributes &&
    a?.agentConnected === b?.agentConnected &&
    a?.agentVersion === b?.agentVersion &&
    a?.ec2InstanceId === b?.ec2InstanceId &&
    a?.registeredAt === b?.registeredAt
  );
}

/** Puts the item last in the map, and takes the first ones out while there are more than `most`. */
function keepLatest<K, T>(map: Map<K, T>, key: K, item: T, most: number): void {
  map.delete(key);
  map.set(key, item);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}

function longer(column: Uint8Array, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(column);
  return copy;
}

/** FNV-1a, 32 bits, signed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** True if the instance has the attribute, with that value if one is asked for. */
export function hasAttribute(instance: ContainerInstanceRecord, required: Attribute): boolean {
  const value = attributeValue(instance, required.name ?? "");
  return value !== undefined && (required.value === undefined || required.value === "" || required.value === value);
}
