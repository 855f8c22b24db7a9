import type { OccupiedInstance } from "../../model/container-instance.ts";
import type { TaskRecord } from "../../model/task.ts";
import type { DaemonHost, Observed, ServiceAction } from "../observed.ts";
import { SimulatedService, testInstance } from "../testing.ts";

interface Host {
  instance: OccupiedInstance;
  isEligible: boolean;
  hasOthers: boolean;
}

/** A DAEMON service on hosts that come and go. Every step checks what must always hold of where its tasks are. */
export class SimulatedDaemon extends SimulatedService {
  readonly hosts: Host[] = [];

  constructor(hosts: number, minimumHealthyPercent: number) {
    super({ schedulingStrategy: "DAEMON", minimumHealthyPercent, maximumPercent: 100, desiredCount: 0 });
    for (let i = 0; i < hosts; i++) this.join();
  }

  join(): void {
    this.hosts.push({ instance: testInstance(this.hosts.length + 1), isEligible: true, hasOthers: false });
  }

  host(arn: string | undefined): Host | undefined {
    return this.hosts.find((h) => h.instance.arn === arn);
  }

  get serving(): Host[] {
    return this.hosts.filter((h) => h.instance.status === "ACTIVE" && h.instance.agentConnected && h.isEligible);
  }

  /** Only where one is to be: the minimum keeps no task where the constraints forbid it, or the instance drains. */
  override healthy(): TaskRecord[] {
    return super.healthy().filter((task) => {
      const host = this.host(task.containerInstanceArn);
      return host?.isEligible === true && host.instance.status === "ACTIVE";
    });
  }

  override isShielded(task: TaskRecord): boolean {
    return super.isShielded(task) && this.host(task.containerInstanceArn)?.instance.status === "ACTIVE";
  }

  override observe(): Observed {
    const observed = super.observe();
    return {
      ...observed,
      tasks: observed.tasks.map((one) => ({ ...one, instance: this.host(one.task.containerInstanceArn)?.instance })),
      daemonHosts: this.hosts.filter((h) => h.instance.status !== "INACTIVE") satisfies DaemonHost[],
    };
  }

  override look(): readonly ServiceAction[] {
    const before = new Set(this.wanted.map((t) => t.arn));
    const actions = super.look();
    for (const task of this.wanted) {
      if (before.has(task.arn)) continue;
      const host = this.host(task.containerInstanceArn);
      must(host !== undefined && this.serving.includes(host), "started where none is to be");
      const there = this.tasks.filter(
        (t) => t.containerInstanceArn === host.instance.arn && t.lastStatus !== "STOPPED",
      );
      must(there.length === 1, "two at a time on one instance");
    }
    for (const action of actions) {
      if (action.kind !== "stop-task") continue;
      const task = this.tasks.find((t) => t.arn === action.taskArn);
      const host = this.host(task?.containerInstanceArn);
      const mayLinger = host?.instance.status === "DRAINING" && host.hasOthers && task?.startedAt !== undefined;
      const isOfPrimary = task?.deploymentId === this.primaryId && task.healthStatus !== "UNHEALTHY";
      must(!(mayLinger && isOfPrimary), "stopped before the others on a DRAINING instance");
    }
    return actions;
  }
}

/** A DAEMON service that is steady on so many hosts, all tasks healthy. */
export function daemonHealthy(hosts: number, minimumHealthyPercent = 0): SimulatedDaemon {
  const sim = new SimulatedDaemon(hosts, minimumHealthyPercent);
  sim.settle();
  sim.agentsCatchUp();
  sim.settle();
  sim.now += 100_000;
  sim.settle();
  must(sim.healthy().length === hosts, "not healthy everywhere");
  return sim;
}

function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
