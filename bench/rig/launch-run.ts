import type { ControlPlane, Usage } from "./control-plane.ts";
import type { Fleet } from "./fleet.ts";
import { Latencies } from "./latencies.ts";
import { CallWriter, SignedConnection } from "./signed-http.ts";

/** How a run is made. */
export interface LaunchPlan {
  /** StartTask names the instances one after the other, which leaves placement out of what is measured. */
  readonly operation: "RunTask" | "StartTask";
  /** Tasks per second to ask for; 0: as many as the backlog allows. */
  readonly rate: number;
  readonly callers: number;
  /** Tasks that were asked for and are not RUNNING yet, at most. */
  readonly backlog: number;
  readonly startMs: number;
  readonly limitSeconds: number;
  readonly profileDir: string | undefined;
}

const PER_CALL = 10;
const DESCRIBE_EVERY_MS = 25;
const LIST_EVERY_MS = 100;
const DESCRIBED = 10;
/** A timer may be so late by itself. */
const TIMER_MS = 2;

/** An ordinary web container. */
export const DEFINITION = {
  family: "launch-rate",
  containerDefinitions: [
    {
      name: "web",
      image: "hello:v1",
      cpu: 2,
      memory: 16,
      portMappings: [{ containerPort: 80 }],
      environment: [
        { name: "STAGE", value: "bench" },
        { name: "LEVEL", value: "info" },
      ],
    },
  ],
};

/** What came of a run. */
export interface LaunchFigures {
  /** That became RUNNING. */
  readonly "tasks/s": number;
  readonly "first tenth": number;
  readonly "last tenth": number;
  /** Median and 99th percentile, meanwhile. */
  readonly "RunTask p50 / p99 ms": string;
  readonly DescribeTasks: string;
  readonly ListTasks: string;
  /** Processor time of the server, and of its main thread alone. */
  readonly "CPU ms/task": string;
  /** At the end, and at most. */
  readonly "RSS MiB": string;
}

/** When a tenth of the tasks had become RUNNING. */
interface Mark {
  readonly ms: number;
  readonly usage: Usage;
}

/** Launches tasks until all are RUNNING, and keeps what was measured meanwhile. */
export class LaunchRun {
  readonly #server: ControlPlane;
  readonly #plan: LaunchPlan;
  readonly #fleet: Fleet;
  readonly #tasks: number;
  readonly #launched = new Latencies();
  readonly #describe = new Latencies();
  readonly #list = new Latencies();
  readonly #connections: SignedConnection[] = [];
  readonly #writer: CallWriter;
  readonly #arns: string[] = [];
  readonly #marks: Mark[] = [];
  readonly #instances: string[] = [];
  #turn = 0;
  #asked = 0;
  #running = 0;
  #onMore: (() => void)[] = [];
  #cpu = { server: 0, agents: 0, callers: 0 };

  constructor(server: ControlPlane, fleet: Fleet, tasks: number, plan: LaunchPlan) {
    this.#plan = plan;
    this.#server = server;
    this.#fleet = fleet;
    this.#tasks = tasks;
    this.#writer = new CallWriter(server.caller);
  }

  async go(): Promise<void> {
    await this.#findInstances();
    const before = { server: this.#server.usage().cpuSeconds, agents: (await this.#fleet.usage()).cpuSeconds };
    const callersBefore = process.cpuUsage();
    this.#mark();
    const began = performance.now();
    const done = new Promise<void>((resolve) => {
      this.#fleet.onRunning = (count) => {
        this.#running += count;
        while (this.#marks.length <= 10 && this.#running >= (this.#marks.length * this.#tasks) / 10) this.#mark();
        for (const wake of this.#onMore.splice(0)) wake();
        if (this.#running >= this.#tasks) resolve();
      };
    });
    const limit = AbortSignal.timeout(this.#plan.limitSeconds * 1000);
    const late = new Promise<never>((_, reject) => {
      const text = () =>
        `only ${this.#running} of ${this.#tasks} tasks were RUNNING after ${this.#plan.limitSeconds} s`;
      limit.addEventListener("abort", () => reject(new Error(text())), { once: true });
    });
    const callers = Array.from({ length: this.#plan.callers }, () => this.#launch(began));
    const pollers = [
      this.#poll(DESCRIBE_EVERY_MS, () => this.#describeSome()),
      this.#poll(LIST_EVERY_MS, () => this.#listSome()),
    ];
    try {
      await Promise.race([Promise.all([done, ...callers]), this.#fleet.failed, late]);
    } finally {
      this.#running = Number.POSITIVE_INFINITY; // ends the pollers
    }
    await Promise.all(pollers);
    const agents = await this.#fleet.usage();
    const callersUsed = process.cpuUsage(callersBefore);
    this.#cpu = {
      server: this.#server.usage().cpuSeconds - before.server,
      agents: agents.cpuSeconds - before.agents,
      callers: (callersUsed.user + callersUsed.system) / 1e6,
    };
    if (agents.lost > 0) throw new Error(`${agents.lost} agents lost a session`);
    await this.#checkCount();
  }

  /** Prints what was measured tenth by tenth, and answers the whole. */
  tell(): LaunchFigures {
    const tenths = this.#marks.slice(1).map((mark, i) => {
      const from = this.#marks[i] as Mark;
      const cpu = mark.usage.cpuSeconds - from.usage.cpuSeconds;
      const main = mark.usage.mainSeconds - from.usage.mainSeconds;
      const per1000 = 10_000 / this.#tasks;
      return {
        "tasks/s": Math.round(this.#tasks / 10 / ((mark.ms - from.ms) / 1000)),
        "server CPU ms/task": Number((cpu * per1000).toFixed(3)),
        "main thread ms/task": Number((main * per1000).toFixed(3)),
        "RSS MiB": Math.round(mark.usage.rssMiB),
      };
    });
    if (this.#tasks >= 10_000) console.table(tenths);
    for (const connection of this.#connections) connection.close();
    const [first, last] = [this.#marks[0] as Mark, this.#marks.at(-1) as Mark];
    const seconds = (last.ms - first.ms) / 1000;
    const { server, agents, callers } = this.#cpu;
    const perTask = (cpu: number) => ((cpu / this.#tasks) * 1000).toFixed(3);
    console.log(
      `processor over ${seconds.toFixed(1)} s: server ${server.toFixed(1)} s, agents ${agents.toFixed(1)} s, callers ${callers.toFixed(1)} s`,
    );
    return {
      "tasks/s": Math.round(this.#tasks / seconds),
      "first tenth": tenths[0]?.["tasks/s"] ?? 0,
      "last tenth": tenths.at(-1)?.["tasks/s"] ?? 0,
      "RunTask p50 / p99 ms": this.#launched.summary(),
      DescribeTasks: this.#describe.summary(),
      ListTasks: this.#list.summary(),
      "CPU ms/task": `${perTask(server)} / ${perTask(last.usage.mainSeconds - first.usage.mainSeconds)}`,
      "RSS MiB": `${last.usage.rssMiB.toFixed(0)} / ${last.usage.peakMiB.toFixed(0)}`,
    };
  }

  /** One after the other, round and round. */
  #nextInstances(count: number): string[] {
    return Array.from({ length: count }, () => this.#instances[this.#turn++ % this.#instances.length] ?? "");
  }

  async #findInstances(): Promise<void> {
    const connection = this.#connect();
    let nextToken: string | undefined;
    do {
      const page = await connection.call<{ containerInstanceArns: string[]; nextToken?: string }>(
        "ListContainerInstances",
        { nextToken },
      );
      this.#instances.push(...page.containerInstanceArns);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  #mark(): void {
    this.#marks.push({ ms: performance.now(), usage: this.#server.usage() });
  }

  #connect(): SignedConnection {
    const connection = new SignedConnection(this.#server.caller, this.#writer);
    this.#connections.push(connection);
    return connection;
  }

  async #launch(began: number): Promise<void> {
    const connection = this.#connect();
    while (this.#asked < this.#tasks) {
      const now = performance.now();
      const due = this.#plan.rate === 0 ? now : began + (this.#asked / this.#plan.rate) * 1000;
      if (due - now > 1) {
        await new Promise((resolve) => setTimeout(resolve, due - now));
        continue;
      }
      if (this.#asked - this.#running > this.#plan.backlog) {
        await new Promise<void>((resolve) => this.#onMore.push(resolve));
        continue;
      }
      const count = Math.min(PER_CALL, this.#tasks - this.#asked);
      this.#asked += count;
      const { operation } = this.#plan;
      const where = operation === "RunTask" ? { count } : { containerInstances: this.#nextInstances(count) };
      const body = JSON.stringify({ taskDefinition: DEFINITION.family, startedBy: "bench", ...where });
      // A call that is late because all callers waited is as slow for its user as the others that are.
      const from = now - due > TIMER_MS ? due : undefined;
      const { status, body: answer } = await this.#launched.time(() => connection.post(operation, body), from);
      if (status !== 200) throw new Error(`${operation}: HTTP ${status} ${answer.slice(0, 500)}`);
      // Not parsed: the callers' own cost is to stay small.
      const own = new Set([...answer.matchAll(/"taskArn":"([^"]+)"/g)].map((match) => match[1] ?? ""));
      if (own.size !== count) throw new Error(`RunTask started ${own.size} of ${count}: ${answer.slice(0, 500)}`);
      this.#arns.push(...own);
    }
  }

  async #poll(everyMs: number, call: () => Promise<void>): Promise<void> {
    while (this.#running < this.#tasks) {
      await call();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  readonly #poller = (() => {
    let connection: SignedConnection | undefined;
    return () => (connection ??= this.#connect());
  })();

  async #describeSome(): Promise<void> {
    if (this.#arns.length === 0) return;
    const tasks = Array.from({ length: DESCRIBED }, () => this.#arns[Math.floor(Math.random() * this.#arns.length)]);
    await this.#describe.time(() => this.#poller().call("DescribeTasks", { tasks }));
  }

  async #listSome(): Promise<void> {
    await this.#list.time(() => this.#poller().call("ListTasks", {}));
  }

  /** What the control plane itself says is RUNNING. */
  async #checkCount(): Promise<void> {
    const answer = await this.#connect().call<{ clusters: { runningTasksCount: number }[] }>("DescribeClusters", {});
    const count = answer.clusters[0]?.runningTasksCount;
    if (count !== this.#tasks) throw new Error(`the control plane has ${count} tasks RUNNING and not ${this.#tasks}`);
  }
}
