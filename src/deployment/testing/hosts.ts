import type { OccupiedInstance } from "../../model/container-instance.ts";
import type { ServiceRecord } from "../../model/service.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { Observed, ServiceAction } from "../observed.ts";
import { SimulatedService, testInstance } from "../testing.ts";

/** A service that evens its tasks out, on hosts of several zones. A task is started where the fewest are. */
export class SimulatedHosts extends SimulatedService {
  readonly hosts: OccupiedInstance[] = [];
  /** Tasks of the service that fit on one host. */
  readonly size: number;
  /** How many tasks were started to take the place of others. */
  moves = 0;

  constructor(zones: readonly string[], over: Partial<ServiceRecord> = {}, size = 9) {
    super({ availabilityZoneRebalancing: "ENABLED", ...over });
    this.size = size;
    for (const zone of zones) this.join(zone);
  }

  join(zone: string): OccupiedInstance {
    const host = testInstance(this.hosts.length + 1, {
      attributes: [{ name: "ecs.availability-zone", value: zone }],
      connectivityChangedAt: this.now,
    });
    this.hosts.push(host);
    return host;
  }

  on(host: number): TaskRecord[] {
    return this.wanted.filter((t) => t.containerInstanceArn === this.hosts[host]?.arn);
  }

  /** How many tasks each host has. */
  get counts(): number[] {
    return this.hosts.map((_, i) => this.on(i).length);
  }

  #held(host: OccupiedInstance): number {
    return this.tasks.filter((t) => t.lastStatus !== "STOPPED" && t.containerInstanceArn === host.arn).length;
  }

  override placeFor(on: TaskRecord["containerInstanceArn"]): TaskRecord["containerInstanceArn"] {
    if (on !== undefined) return on;
    const able = this.hosts.filter((h) => h.status === "ACTIVE" && h.agentConnected && this.#held(h) < this.size);
    // Where none is able, a task waits on any: these tests are not about room.
    const some = able.length > 0 ? able : this.hosts;
    return some.toSorted((a, b) => this.#held(a) - this.#held(b))[0]?.arn;
  }

  override observe(): Observed {
    const observed = super.observe();
    const { rebalanceAfterMs } = observed.settings;
    return {
      ...observed,
      tasks: observed.tasks.map((one) => ({
        ...one,
        instance: this.hosts.find((h) => h.arn === one.task.containerInstanceArn),
      })),
      places: () =>
        this.hosts
          .filter((h) => h.status === "ACTIVE" && h.agentConnected)
          .map((instance) => ({
            instance,
            room: this.size - this.#held(instance),
            openFrom: instance.connectivityChangedAt + rebalanceAfterMs,
          })),
    };
  }

  override look(): readonly ServiceAction[] {
    const actions = super.look();
    for (const action of actions) if (action.kind === "start-tasks" && action.move !== undefined) this.moves++;
    const movers = this.wanted.filter((t) => t.move !== undefined);
    if (movers.length > 1) throw new Error("two moves at a time");
    return actions;
  }

  /** Lets the agents do their part and time pass until nothing is left to wait for but the next telling of the steady state. */
  calmDown(): void {
    for (let i = 0; i < 500; i++) {
      this.settleTelling();
      this.agentsCatchUp();
      this.settleTelling();
      const isCalm =
        this.service.steadyAt !== undefined &&
        this.tasks.every((t) => t.move === undefined || t.lastStatus === "STOPPED");
      const next = this.lookAgainAt ?? Number.POSITIVE_INFINITY;
      if (isCalm && next >= (this.service.steadyAt ?? 0) + 6 * 3_600_000) return;
      this.now = Math.max(this.now + 1000, Math.min(next, this.now + 3_600_000));
    }
    throw new Error(`no calm: ${JSON.stringify({ counts: this.counts, service: this.service })}`);
  }
}
