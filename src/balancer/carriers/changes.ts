import { isDeepStrictEqual } from "node:util";
import type { BalancerState, CertificateState, ListenerState, TargetGroupState, TargetState } from "../state.ts";

/** What makes one set of things another: those that are new or not as they were, and the ids of those that went. */
interface Difference<T> {
  readonly put: readonly T[];
  readonly gone: readonly string[];
}

/** What changed of one target group. */
export interface TargetGroupChange {
  readonly id: string;
  /** All of the group but its targets; absent if none of that changed. A group that is new has it. */
  readonly settings?: Omit<TargetGroupState, "targets">;
  readonly targets: Difference<TargetState>;
}

/** What makes one state of a balancer another. The whole of a state is a change from nothing. */
export interface StateChange {
  readonly listeners: Difference<ListenerState>;
  readonly certificates: Difference<CertificateState>;
  readonly targetGroups: Difference<TargetGroupChange>;
  /** Every other member of the state; absent if none of them changed. */
  readonly others?: Readonly<Record<string, unknown>>;
}

type Identified = { readonly id: string };

/** Nothing at all. */
export const NO_STATE: BalancerState = { listeners: [], targetGroups: [] };

/** What makes `before` to `after`; undefined if that is nothing. The order of what is in a state says nothing. */
export function changeBetween(before: BalancerState, after: BalancerState): StateChange | undefined {
  const listeners = difference(before.listeners, after.listeners, isDeepStrictEqual);
  const certificates = difference(before.certificates ?? [], after.certificates ?? [], isDeepStrictEqual);
  const targetGroups = groupsDifference(before.targetGroups, after.targetGroups);
  const others = othersOf(after);
  const changed = !isDeepStrictEqual(othersOf(before), others);
  const isNothing = [listeners, certificates, targetGroups].every((d) => d.put.length + d.gone.length === 0);
  if (isNothing && !changed) return undefined;
  return { listeners, certificates, targetGroups, ...(changed ? { others } : {}) };
}

function othersOf({ listeners, certificates, targetGroups, ...others }: BalancerState): Record<string, unknown> {
  return others;
}

function difference<T extends Identified>(
  before: readonly T[],
  after: readonly T[],
  isSame: (a: T, b: T) => boolean,
): Difference<T> {
  if (before === after) return { put: [], gone: [] };
  const known = new Map(before.map((one) => [one.id, one]));
  const put: T[] = [];
  for (const one of after) {
    const old = known.get(one.id);
    known.delete(one.id);
    if (old === undefined || (old !== one && !isSame(old, one))) put.push(one);
  }
  return { put, gone: [...known.keys()] };
}

function groupsDifference(
  before: readonly TargetGroupState[],
  after: readonly TargetGroupState[],
): Difference<TargetGroupChange> {
  const { put, gone } = difference(before, after, () => false);
  const known = new Map(before.map((group) => [group.id, group]));
  return { put: put.flatMap((group) => groupChange(known.get(group.id), group)), gone };
}

function groupChange(before: TargetGroupState | undefined, after: TargetGroupState): TargetGroupChange[] {
  const { targets, ...settings } = after;
  const { targets: known = [], ...old } = before ?? {};
  const changed = difference(known, targets, isSameTarget);
  const isAsItWas = before !== undefined && isDeepStrictEqual(old, settings);
  if (isAsItWas && changed.put.length + changed.gone.length === 0) return [];
  return [{ id: after.id, ...(isAsItWas ? {} : { settings }), targets: changed }];
}

/** Compared member by member: there may be ten thousand of them at each change. */
function isSameTarget(a: TargetState, b: TargetState): boolean {
  return (
    a.address === b.address &&
    a.port === b.port &&
    a.draining === b.draining &&
    isDeepStrictEqual(a.checkPort, b.checkPort)
  );
}

interface GroupCopy {
  settings: Omit<TargetGroupState, "targets">;
  readonly targets: Map<string, TargetState>;
  /** The group as a whole, until the next change of it. */
  whole: TargetGroupState | undefined;
}

/** A state that is followed by changes. */
export class StateCopy {
  readonly #listeners = new Map<string, ListenerState>();
  readonly #certificates = new Map<string, CertificateState>();
  readonly #groups = new Map<string, GroupCopy>();
  #others: Readonly<Record<string, unknown>> = {};

  /** Throws an Error for a change of a group that it does not have; then it is not to be used any more. */
  take({ listeners, certificates, targetGroups, others }: StateChange): void {
    takeInto(this.#listeners, listeners);
    takeInto(this.#certificates, certificates);
    for (const id of targetGroups.gone) this.#groups.delete(id);
    for (const change of targetGroups.put) this.#takeGroup(change);
    this.#others = others ?? this.#others;
  }

  #takeGroup({ id, settings, targets }: TargetGroupChange): void {
    const known = this.#groups.get(id);
    const group = known ?? { settings, targets: new Map(), whole: undefined };
    if (group.settings === undefined) throw new Error(`target group ${id} changed, and is not known here`);
    group.settings = settings ?? group.settings;
    takeInto(group.targets, targets);
    group.whole = undefined;
    if (known === undefined) this.#groups.set(id, group as GroupCopy);
  }

  /** The whole, in the order of ids. */
  state(): BalancerState {
    const groups = inOrder(this.#groups, ([id]) => id).map(([, group]) => {
      group.whole ??= { ...group.settings, targets: [...group.targets.values()] };
      return group.whole;
    });
    return {
      ...this.#others,
      listeners: inOrder(this.#listeners.values(), ({ id }) => id),
      certificates: [...this.#certificates.values()],
      targetGroups: groups,
    };
  }
}

function takeInto<T extends Identified>(known: Map<string, T>, { put, gone }: Difference<T>): void {
  for (const id of gone) known.delete(id);
  for (const one of put) known.set(one.id, one);
}

/** Another order would be another configuration of HAProxy. */
function inOrder<T>(things: Iterable<T>, idOf: (thing: T) => string): T[] {
  return [...things].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}
