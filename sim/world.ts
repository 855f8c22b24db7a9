import { AwsError } from "../src/wire/errors.ts";
import { Agent, type AgentSurroundings } from "./agent.ts";
import { type AgentDisk, newAgentDisk } from "./agent-task.ts";
import { apiOver, type CallApi, type Caller, refusalText, subject } from "./api-call.ts";
import { Balancers } from "./balancers.ts";
import { type Streams, streams } from "./chance.ts";
import { Contact } from "./contact.ts";
import { ControlPlane, type RunningPlane } from "./control-plane.ts";
import { drive } from "./driver.ts";
import { isDurable } from "./durable.ts";
import { Host } from "./host.ts";
import { Connection, Link } from "./network.ts";
import { Oracle } from "./oracle.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { Story, short } from "./story.ts";
import { brief, isWorthTelling, tellChange } from "./telling.ts";
import type { Breach } from "./truth.ts";
import { ProcessClock, START, VirtualTime, type WallClock } from "./virtual-time.ts";

/** From a decision to its commit, on the slowest disk. */
const LONGEST_COMMIT_MS = 30_000;
const MOST_CHANGES_PER_MINUTE = 3_000;
const WISHES: ReadonlySet<string> = new Set([
  ...["CreateService", "UpdateService", "DeleteService"],
  ...["CreateTaskSet", "UpdateTaskSet", "DeleteTaskSet", "UpdateServicePrimaryTaskSet"],
]);
/** How long a handshake may take. */
const HANDSHAKE_MS = 30_000;

/** A host, its agent's process, and what the network still holds of former ones. */
export interface Machine {
  readonly host: Host;
  disk: AgentDisk;
  agent: Agent | undefined;
  /** Connections of an agent whose machine went without a word. */
  vanished: readonly Connection[];
  readonly contact: Contact;
}

/** Everything there is: time, the control plane, hosts, the load balancer, and who judges. */
export class World {
  readonly time = new VirtualTime();
  readonly streams: Streams;
  readonly scenario: Scenario;
  readonly story: Story;
  readonly oracle: Oracle;
  readonly plane: ControlPlane;
  readonly balancers: Balancers;
  readonly machines: readonly Machine[];
  readonly call: CallApi;
  /** The clock of the control plane's machine. */
  readonly wall: WallClock = { offsetMs: 0 };
  /** Where users and operators sit. */
  readonly office: Caller;
  /** While true, nothing goes wrong. */
  isCalm = true;
  /** Milliseconds that the disk takes more while it is slow. */
  slowDiskMs = 0;
  /** The next commits until the control plane dies at one; none if undefined. */
  dieAtCommit: number | undefined;
  breach: Breach | undefined;
  planeStarts = 0;
  #planeStartedAt = 0;
  #names = 0;
  /** Calls under way that say what is wished of services. */
  #wishesUnderWay = 0;
  #minute = 0;
  #changesInMinute = 0;

  constructor(seed: number, echo?: (line: string) => void) {
    this.streams = streams(seed);
    this.scenario = scenarioOf(this.streams);
    this.story = new Story(this.time, echo);
    this.oracle = new Oracle({
      silentMs: (arn, at) => this.#silentMs(arn, at),
      isWishing: () => this.#wishesUnderWay > 0,
      broken: (promise, what) => this.broken(promise, what),
    });
    const network = this.streams.of("network");
    const clock = new ProcessClock(this.time, { offsetMs: 0 });
    this.office = { clock, host: { link: new Link(this.time, network) } };
    const serves = (address: string, port: number) => this.#serves(address, port);
    this.balancers = new Balancers(this.time, this.streams, this.scenario.edges, serves);
    this.plane = this.#makePlane();
    this.call = this.#makeApi();
    this.machines = this.scenario.hosts.map((plan) => {
      const link = new Link(this.time, network);
      const host = new Host(plan, { time: this.time, chance: this.streams.of(`containers ${plan.name}`), link });
      link.watch(() => this.balancers.look());
      return {
        host,
        disk: newAgentDisk(this.#instanceId(plan.name)),
        agent: undefined,
        vanished: [],
        contact: new Contact(),
      };
    });
  }

  /** Notes the first promise that is broken. The simulation ends then. */
  broken(promise: string, what: string): void {
    if (this.breach !== undefined) return;
    this.breach = { promise, what };
    this.story.tell("BROKEN", `${promise}: ${what}`);
  }

  /** Lets so much virtual time pass, or less if a promise is broken. */
  async pass(ms: number): Promise<void> {
    await drive(this.time, this.time.now + ms, () => this.breach !== undefined);
  }

  /** Lets time pass until the promise is settled. Undefined if that takes too long or a promise of the product is broken. */
  async until<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
    let answer: { readonly value: T } | { readonly error: unknown } | undefined;
    promise.then(
      (value) => {
        answer = { value };
      },
      (error: unknown) => {
        answer = { error };
      },
    );
    await drive(this.time, this.time.now + limitMs, () => this.breach !== undefined || answer !== undefined);
    if (answer !== undefined && "error" in answer) throw answer.error;
    return answer?.value;
  }

  startAgent(machine: Machine): void {
    if (machine.agent !== undefined || !machine.host.isUp) return;
    const agent = new Agent(machine.host, machine.disk, this.#agentSurroundings(machine));
    machine.agent = agent;
    machine.host.events = {
      onContainer: (container) => {
        this.story.tell(
          machine.host.plan.name,
          `container of ${short(container.spec.taskArn)} is ${container.status} ${container.health} ${container.exitCode ?? ""}`,
        );
        machine.agent?.engine.containerChanged(container);
      },
      onServing: () => this.balancers.look(),
    };
    agent.start();
  }

  killAgent(machine: Machine): void {
    machine.agent?.kill();
    machine.agent = undefined;
  }

  /** The machine's power fails. */
  loseHost(machine: Machine): void {
    machine.vanished = machine.agent?.vanish() ?? [];
    machine.agent = undefined;
    machine.host.lose();
  }

  restoreHost(machine: Machine): void {
    if (machine.host.isUp) return;
    machine.host.restore();
    for (const connection of machine.vanished) connection.reset();
    machine.vanished = [];
    this.startAgent(machine);
  }

  /** An operator makes a host whose instance was deregistered a new one, when nothing runs on it any more. */
  renewHost(machine: Machine): void {
    const { host, agent } = machine;
    if (agent?.isInactive !== true || [...host.containers.values()].some((c) => c.status === "running")) return;
    this.story.tell("operator", `${host.plan.name} joins anew`);
    this.killAgent(machine);
    for (const arn of [...host.containers.keys()]) host.remove(arn);
    machine.disk = newAgentDisk(this.#instanceId(host.plan.name));
    this.startAgent(machine);
  }

  /** The control plane's process is stopped for a while, as by SIGSTOP; if it is already, no longer than for the longest. */
  pausePlane(ms: number): void {
    const clock = this.plane.running?.clock;
    if (clock === undefined) return;
    const before = clock.stoppedMs;
    clock.pause(ms);
    for (const machine of this.machines) machine.contact.deaf(this.time.now, clock.stoppedMs - before, before > 0);
  }

  #instanceId(name: string): string {
    return `i-${name.replace("-", "")}n${++this.#names}`;
  }

  #makePlane(): ControlPlane {
    const disk = this.streams.of("disk");
    return new ControlPlane({
      time: this.time,
      wall: this.wall,
      random: (incarnation) => this.streams.random(`control plane ${incarnation}`),
      carriers: (clock) => this.balancers.carriers(clock),
      diskMs: () => 0.5 + disk.next() * (3 + this.slowDiskMs),
      fate: () => {
        if (this.dieAtCommit !== undefined && this.dieAtCommit-- <= 0) {
          this.dieAtCommit = undefined;
          return disk.is(0.5) ? "crash-before" : "crash-after";
        }
        return !this.isCalm && disk.is(this.scenario.conflicts) ? "conflict" : "commit";
      },
      onStart: (plane) => this.#planeStarted(plane),
      onCrash: (how) => this.story.tell("control plane", `ended: ${how}`),
      onError: (message, fields) => this.#loggedError(message, fields),
    });
  }

  #planeStarted({ store }: Pick<RunningPlane, "store">): void {
    this.planeStarts++;
    this.#planeStartedAt = this.time.now;
    this.story.tell("control plane", `starts at revision ${store.revision}`);
    const view = store.view;
    for (const instance of view.containerInstances.all()) this.oracle.judgeInstance(instance.arn, view);
    store.watch((change) => {
      this.oracle.take(change, view);
      for (const put of change.puts)
        if (put.table === "targets" && this.balancers.isJudgedTooSoon(put.before, put.after))
          this.broken("a target is healthy when every balancer has judged it", `${put.after.id} is initial to one`);
      this.#countChange();
      tellChange(this.story, change);
    });
  }

  /** A loop that keeps itself busy commits thousands of changes a minute; what users and faults bring about is far less. */
  #countChange(): void {
    const minute = Math.floor(this.time.now / 60_000);
    if (minute !== this.#minute) this.#changesInMinute = 0;
    this.#minute = minute;
    if (++this.#changesInMinute > MOST_CHANGES_PER_MINUTE) {
      this.broken("no loop keeps itself busy", `${this.#changesInMinute} changes within a minute`);
    }
  }

  #loggedError(message: string, fields: object): void {
    const { error, err } = fields as { readonly error?: unknown; readonly err?: unknown };
    this.broken(
      "the control plane meets no error that it does not expect",
      `${message}: ${String((err as Error | undefined)?.stack ?? error ?? JSON.stringify(fields))}`,
    );
  }

  #makeApi(): CallApi {
    const rate = (of: (scenario: Scenario) => number) => () => (this.isCalm ? 0 : of(this.scenario));
    return apiOver({
      time: this.time,
      plane: this.plane,
      chance: this.streams.of("calls"),
      faults: {
        losesRequest: rate((s) => s.lostCalls),
        losesAnswer: rate((s) => s.lostCalls),
        repeats: rate((s) => s.repeatedCalls),
      },
      tell: (what) => this.story.tell("api", what),
      underWay: (operation, isUnderWay) => {
        if (WISHES.has(operation)) this.#wishesUnderWay += isUnderWay ? 1 : -1;
      },
      answered: (operation, input, output) => {
        this.story.tell("api", `${operation} ${subject(input)} answered`);
        const missing = isDurable(this.plane.disk, operation, input, output);
        if (missing !== undefined)
          this.broken("acknowledged means durable", `${operation} was answered, but ${missing}`);
      },
      failed: (operation, error) =>
        this.broken(
          "an operation throws refusals and nothing else",
          `${operation}: ${(error as Error)?.stack ?? String(error)}`,
        ),
    });
  }

  #agentSurroundings(machine: Machine): AgentSurroundings {
    const { host } = machine;
    return {
      time: this.time,
      chance: this.streams.of(`agent ${host.plan.name} ${machine.disk.instanceId} ${this.time.now}`),
      call: this.call,
      tell: (what) => this.story.tell(host.plan.name, what),
      broken: (promise, what) => this.broken(promise, `${host.plan.name}: ${what}`),
      onStopOrder: (_, arn) => this.#judgeStopOrder(host, arn),
      lapses: () => (this.isCalm ? 0 : this.scenario.agentLapses),
      connect: (agent, request, events) =>
        new Promise((resolve, reject) => {
          let isLate = false;
          agent.clock.after(HANDSHAKE_MS, () => {
            isLate = true;
            reject(new Error("handshake timed out"));
          });
          const answer = (end: () => void) =>
            host.link.bring(() => {
              if (!agent.clock.isDead) end();
            });
          const opened = (connection: Connection) => {
            if (isLate) connection.endClient();
            else resolve(connection);
          };
          host.link.bring(() => this.#accept({ machine, agent, request, events }, answer, opened, reject));
        }),
    };
  }

  /** A request for a session arrives at the control plane's machine. */
  #accept(
    { machine, agent, request, events }: SessionAttempt,
    answer: (end: () => void) => void,
    resolve: (connection: Connection) => void,
    reject: (error: Error) => void,
  ): void {
    const { running } = this.plane;
    if (running === undefined) {
      answer(() => reject(new Error("connection refused")));
      return;
    }
    if (running.clock.stoppedMs > 0) {
      this.time.after(running.clock.stoppedMs, () =>
        this.#accept({ machine, agent, request, events }, answer, resolve, reject),
      );
      return;
    }
    let open: ReturnType<typeof running.gateway.admit>;
    try {
      open = running.gateway.admit({ method: "GET", ...request, remoteAddress: machine.host.plan.address });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.story.tell(machine.host.plan.name, `session refused: ${refusalText(error)}`);
      answer(() => reject(new Error(refusalText(error))));
      return;
    }
    const { link, plan } = machine.host;
    const isAcs = request.url.startsWith("/acs/");
    const ends = { time: this.time, link, client: agent.clock, server: running.clock };
    const connection = new Connection(ends, events, {
      onFrame: (direction, text) => {
        if (isWorthTelling(text)) this.story.tell(plan.name, `${direction === "down" ? "<-" : "->"} ${brief(text)}`);
      },
      // Telemetry is no sign of life to the control plane.
      onHeard: () => {
        if (isAcs) machine.contact.heard(this.time.now);
      },
    });
    running.onEnd(() => connection.serverDied());
    if (isAcs) machine.contact.heard(this.time.now);
    connection.accept(() => resolve(connection));
    open(connection.server);
    this.story.tell(plan.name, `session ${request.url.slice(0, 4)} opened`);
  }

  /** For how long the control plane had listened in vain at that time of its own clock. */
  #silentMs(arn: string, wallAt: number): number {
    const machine = this.machines.find((m) => m.disk.arn === arn);
    const at = wallAt - START - this.wall.offsetMs;
    // The clock has jumped since: nobody knows when it was decided.
    if (at > this.time.now + 1 || at < this.time.now - LONGEST_COMMIT_MS) return Number.POSITIVE_INFINITY;
    const listening = at - this.#planeStartedAt;
    return machine === undefined ? listening : Math.min(listening, machine.contact.silentMs(at));
  }

  /** Whether something answers at that address and port, for the machine of the load balancer. */
  #serves(address: string, port: number): boolean {
    const machine = this.machines.find((m) => m.host.plan.address === address);
    if (machine === undefined || !machine.host.isUp || machine.host.link.isCut) return false;
    return machine.host.listener(port)?.serves === true;
  }

  /** A container is told to stop only when the load balancer sends it nothing any more, but for a task that was given up. */
  #judgeStopOrder(host: Host, taskArn: string): void {
    const task = this.plane.running?.store.view.tasks.get(taskArn);
    if (task === undefined || task.lastStatus === "STOPPED") return;
    const container = host.containers.get(taskArn);
    if (container === undefined || container.status !== "running") return;
    for (const { target, state, group } of this.balancers.informed().flatMap(({ targets }) => [...targets.values()])) {
      if (target.address !== host.plan.address || !container.bindings.some((b) => b.hostPort === target.port)) continue;
      if (target.draining || state !== "healthy") continue;
      this.broken(
        "a task leaves the load balancer before its container is told to stop",
        `${short(taskArn)} is in rotation in ${short(group.id)}`,
      );
    }
  }
}

interface SessionAttempt {
  readonly machine: Machine;
  readonly agent: Agent;
  readonly request: { readonly url: string; readonly headers: Record<string, string> };
  readonly events: { readonly onText: (text: string) => void; readonly onClosed: (reason: string) => void };
}
