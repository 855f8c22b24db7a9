import type { TargetReport } from "../../balancer/index.ts";
import { registrationId, type TargetRecord, targetKey } from "../../model/load-balancer.ts";
import type { BerthView } from "../../store/index.ts";
import type { Opinion } from "./target-verdict.ts";

/** The target whose registration has this id; undefined if it is not there any more. */
export function registeredTarget(
  tables: Pick<BerthView, "targets">,
  targetGroupArn: string,
  id: string,
): TargetRecord | undefined {
  const [, target = "", port] = /^(.*):(\d+)@\d+$/.exec(id) ?? [];
  const found = tables.targets.get(targetKey({ targetGroupArn, id: target, port: Number(port) }));
  return found !== undefined && registrationId(found) === id ? found : undefined;
}

/** What each balancer said last of each target. */
export class Opinions {
  /** By balancer, target group and registration. */
  readonly #said = new Map<string, Map<string, Map<string, Opinion>>>();

  take(balancer: string, { targetGroupId, targetId, state, reason, description }: TargetReport): void {
    const groups = this.#said.get(balancer) ?? new Map<string, Map<string, Opinion>>();
    const targets = groups.get(targetGroupId) ?? new Map<string, Opinion>();
    this.#said.set(balancer, groups.set(targetGroupId, targets.set(targetId, { state, reason, description })));
  }

  of(balancer: string, targetGroupId: string, targetId: string): Opinion | undefined {
    return this.#said.get(balancer)?.get(targetGroupId)?.get(targetId);
  }

  forgetBalancer(name: string): void {
    this.#said.delete(name);
  }

  forgetTarget(target: TargetRecord): void {
    for (const groups of this.#said.values()) groups.get(target.targetGroupArn)?.delete(registrationId(target));
  }

  /** A group that is not carried any more: what was said of its targets is out of date when it is again. */
  keepGroups(carried: ReadonlySet<string>): void {
    for (const groups of this.#said.values()) for (const id of groups.keys()) if (!carried.has(id)) groups.delete(id);
  }
}
