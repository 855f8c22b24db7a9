/** A fault that is put into the product on purpose: one piece of its source, replaced while it is loaded. */
export interface PlantedFault {
  /** What the product then does. */
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Occurs in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** Faults that the simulator must find. A line that changes takes its fault along: the runner says which one finds nothing to replace. */
export const PLANTED_FAULTS: readonly PlantedFault[] = [
  {
    name: "does not release resources when a task has stopped",
    file: "scheduler/placement-index.ts",
    find: "(fleet) => fleet.release(from, before.resources)",
    replace: "() => undefined",
  },
  {
    name: "releases resources when a task is told to stop",
    file: "model/task.ts",
    find: 'task.lastStatus === "STOPPED" ? undefined : task.containerInstanceArn',
    replace: 'task.desiredStatus === "STOPPED" ? undefined : task.containerInstanceArn',
  },
  {
    name: "takes nothing of the instance for a new task",
    file: "scheduler/placement-index.ts",
    find: "(fleet) => fleet.hold(to, after.resources)",
    replace: "() => undefined",
  },
  {
    name: "tells a task to stop while the load balancer sends it requests",
    file: "state/tasks.ts",
    find: 'registered ? "DEACTIVATING" : "STOPPING"',
    replace: '"STOPPING"',
  },
  {
    name: "does not wait for a draining task",
    file: "model/task.ts",
    find: 'task.desiredStatus === "STOPPED" && task.lastStatus !== "DEACTIVATING" && task.lastStatus !== "STOPPED"',
    replace: 'task.desiredStatus === "STOPPED" && task.lastStatus !== "STOPPED"',
  },
  {
    name: "lets a late report change a task that has stopped",
    file: "state/tasks.ts",
    find: 'if (task.lastStatus === "STOPPED") return task;\n  const containers = mergeContainers',
    replace: "const containers = mergeContainers",
  },
  {
    name: "lets a late report of RUNNING bring back a task that is to stop",
    file: "state/tasks.ts",
    find: 'mayMove(task.lastStatus, "RUNNING") ? moveTask',
    replace: "true ? moveTask",
  },
  {
    name: "stops one healthy task below the floor",
    file: "deployment/roster.ts",
    find: "Math.max(0, this.healthyCount - this.floor)",
    replace: "Math.max(0, this.healthyCount - this.floor + 1)",
  },
  {
    name: "rounds the floor down",
    file: "deployment/limits.ts",
    find: "floor: Math.ceil(",
    replace: "floor: Math.floor(",
  },
  {
    name: "starts one task above the ceiling",
    file: "deployment/roster.ts",
    find: "return this.ceiling - this.#members.size;",
    replace: "return this.ceiling - this.#members.size + 1;",
  },
  {
    name: "rounds the ceiling up",
    file: "deployment/limits.ts",
    find: "ceiling: Math.floor(",
    replace: "ceiling: Math.ceil(",
  },
  {
    name: "takes a task for healthy as soon as it runs",
    file: "deployment/health.ts",
    find: "const healthyAt = task.startedAt + settings.healthyAfterMs;",
    replace: "const healthyAt = task.startedAt;",
  },
  {
    name: "takes a task for healthy before its target is",
    file: "deployment/health.ts",
    find: "task.loadBalancers.every((lb) => targetsOf(lb, targets).some(isInRotation))",
    replace: "true",
  },
  {
    name: "calls a deleted service INACTIVE while it has a task left",
    file: "deployment/reconcile.ts",
    find: "if (observed.tasks.length === 0) return",
    replace: "if (observed.tasks.length <= 1) return",
  },
  {
    name: "decides on what was seen before the transaction",
    file: "controllers/services/services.ts",
    find: "const observed = observeService(tx, arn",
    replace: "const observed = observeService(store.view, arn",
  },
  {
    name: "says nothing when no instance takes a task",
    file: "controllers/services/apply-service.ts",
    find: "this.#tell(explainRefusal(placement), true, () => describeFixes(placer.explain().fixes));",
    replace: "",
  },
  {
    name: "leaves a stopped task's target registered",
    file: "controllers/targets.ts",
    find: "return { ...idle, remove: registered };",
    replace: "return idle;",
  },
  {
    name: "registers the container's port and not the host's",
    file: "controllers/targets.ts",
    find: "(b) => b.containerPort === lb.containerPort)?.hostPort;",
    replace: "(b) => b.containerPort === lb.containerPort)?.containerPort;",
  },
  {
    name: "waits for a target's last request without end",
    file: "controllers/balancers/balancer.ts",
    find: "now >= target.drainingSince + deregistrationDelayMs(group)",
    replace: "false",
  },
  {
    name: "takes a target for healthy when the first balancer finds it so",
    file: "controllers/balancers/target-verdict.ts",
    find: ' || (target.state === "initial" && judged.length < opinions.length)',
    replace: "",
  },
  {
    name: "counts a cut as death at once",
    file: "controllers/hosts/host-loss.ts",
    find: "silenceMs: 6_000,",
    replace: "silenceMs: 2_500,",
  },
  {
    name: "takes its own start for the hosts' death",
    file: "controllers/hosts/host-loss.ts",
    find: "startGraceMs: 30_000,",
    replace: "startGraceMs: 100,",
  },
  {
    name: "takes a pause of its own for the hosts' silence",
    file: "controllers/hosts/silence.ts",
    find: "Math.min(now - (this.#lastLook ?? now), this.#maxStepMs)",
    replace: "now - (this.#lastLook ?? now)",
  },
  {
    name: "never gives a lost host up",
    file: "controllers/hosts/instances.ts",
    find: 'abandonTask(tx, task, { stopCode: "InfrastructureHealth", reason }, now);',
    replace: "void task;",
  },
  {
    name: "takes a payload for acknowledged when it is sent",
    file: "gateway/acs-session.ts",
    find: "this.#outbox.sent(messageId, deliveries);",
    replace: "this.#outbox.sent(messageId, deliveries);\n    this.#events.onDelivered(deliveries);",
  },
  {
    name: "sends no manifest on a new connection",
    file: "gateway/acs-session.ts",
    find: "if (this.#sequence === undefined || this.#isRetired) return;\n    this.#sendManifest();",
    replace: "if (this.#sequence === undefined || this.#isRetired) return;",
  },
  {
    name: "never confirms that an agent is to stop what it asks about",
    file: "gateway/manifest.ts",
    find: "return task === undefined || !belongsHere(task, instanceArn);",
    replace: "return task === undefined && belongsHere !== undefined && instanceArn === undefined;",
  },
  {
    name: "lets a task go on that was given up, when its host is back",
    file: "gateway/manifest.ts",
    find: 'return task.containerInstanceArn === instanceArn && task.lastStatus !== "STOPPED" && !agentShouldStop(task);',
    replace: "return task.containerInstanceArn === instanceArn;",
  },
  {
    name: "begins its numbers anew on each connection",
    file: "gateway/presence.ts",
    find: "version: before.version + 1,\n    });\n    return { first: before.sequence + 1, last: before.sequence + SEQUENCE_BLOCK };",
    replace: "version: before.version + 1,\n    });\n    return { first: 1, last: SEQUENCE_BLOCK };",
  },
  {
    name: "leaves an agent that was silent and speaks again not connected",
    file: "gateway/gateway.ts",
    find: "recordConnectivity(store, session.arn, true, clock.now())",
    replace: "Promise.resolve()",
  },
  {
    name: "ignores what agents say of health",
    file: "gateway/gateway.ts",
    find: "if (task !== undefined) applyHealth(tx, task, health);",
    replace: "void [task, health, applyHealth];",
  },
  {
    name: "answers before the answer is on disk",
    file: "store/transactional-store.ts",
    find: "this.#journal.append(pending.entry);\n    } else",
    replace: "this.#journal.append(pending.entry);\n      settle(pending);\n    } else",
  },
  {
    name: "takes a transaction that conflicted for committed",
    file: "store/transactional-store.ts",
    find: "      this.#begin(pending);\n    }\n    this.#cutSettled();",
    replace:
      "      if (pending === first) settle(pending);\n      else this.#begin(pending);\n    }\n    this.#cutSettled();",
  },
  {
    name: "hides why RunTask started fewer tasks",
    file: "api/ecs/tasks/run-task.ts",
    find: "failures: [...failures] };",
    replace: "failures: [] };",
  },
  {
    name: "forgets tasks an hour after they were made",
    file: "controllers/retention.ts",
    find: 'forgettableTasks(tables.tasks.where("stopped", "yes"), now, settings)',
    replace: "[...tables.tasks.all()].filter((t) => now - t.createdAt > 3_600_000).map((t) => t.arn)",
  },
  {
    name: "places two tasks on an instance though each is to have its own",
    file: "scheduler/headroom.ts",
    find: 'this.constraints.some((c) => c.kind === "distinctInstance")',
    replace: "false",
  },
  {
    name: "rounds a task set's share down",
    file: "model/task-set.ts",
    find: "Math.ceil((serviceDesiredCount * set.scalePercent) / 100)",
    replace: "Math.floor((serviceDesiredCount * set.scalePercent) / 100)",
  },
  {
    name: "drops a deleted task set while it has a task left",
    file: "deployment/task-sets.ts",
    find: 'set.status === "DRAINING" && mine.length === 0',
    replace: 'set.status === "DRAINING" && mine.length <= 1',
  },
  {
    name: "calls a task set steady while its tasks still start",
    file: "deployment/task-sets.ts",
    find: "roster.primary.every((m) => isSettled(m, deployment) && !m.isBad);",
    replace: "isSettled !== undefined;",
  },
  {
    name: "gives a task set's place to the tasks of all",
    file: "deployment/task-sets.ts",
    find: "observed.tasks.filter(({ task }) => task.deploymentId === id);",
    replace: "observed.tasks.slice();",
  },
];
