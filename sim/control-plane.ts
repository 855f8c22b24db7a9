import type { Call, Principal } from "../src/api/context.ts";
import type { Carriers } from "../src/balancer/index.ts";
import { DEFAULT_DEPLOYMENT_SETTINGS } from "../src/deployment/index.ts";
import type { Gateway } from "../src/gateway/index.ts";
import type { Log } from "../src/runtime/log.ts";
import type { Random } from "../src/runtime/random.ts";
import { createSealer } from "../src/runtime/sealer.ts";
import { composeControlPlane } from "../src/server-compose.ts";
import {
  type BerthStore,
  type Fate,
  type JournalEntry,
  MemoryDisk,
  MemoryJournal,
  MIGRATIONS,
  openStore,
  SCHEMA,
} from "../src/store/index.ts";
import type { WireService } from "../src/wire/wire-service.ts";
import { ProcessClock, type VirtualTime, type WallClock } from "./virtual-time.ts";

export const REGION = "us-east-1";
export const KEY = { accessKeyId: "AKIASIMULATION", secretAccessKey: "simulation" } as const;
export const BALANCER_ADDRESS = "10.0.0.254";
const PRINCIPAL: Principal = { accessKeyId: KEY.accessKeyId, arn: "arn:aws:iam::000000000000:root" };

const SECRET = { secretAccessKey: KEY.secretAccessKey, principal: PRINCIPAL };

export type ServiceName = "ecs" | "elbv2";
const SIGNING_NAMES = { ecs: "ecs", elbv2: "elasticloadbalancing" } as const;

/** Stopped tasks are kept for as long as ECS promises, so that forgetting them is tried, too. */
const RETENTION = { stoppedTaskMs: 60 * 60_000, stoppedTaskLimit: 10_000 };

/** What a control plane is made of that it does not make itself. */
export interface PlaneSurroundings {
  readonly time: VirtualTime;
  /** The clock of the machine that it runs on. */
  readonly wall: WallClock;
  /** A stream of chance for the process with this number. */
  readonly random: (incarnation: number) => Random;
  /** The balancers as the process with this clock reaches them. */
  readonly carriers: (clock: ProcessClock) => Carriers;
  /** How long the disk takes for an entry, in milliseconds. */
  readonly diskMs: () => number;
  /** What becomes of an entry: "crash-before" and "crash-after" end the process before or after it is on disk. */
  readonly fate: (entry: JournalEntry) => "commit" | "conflict" | "crash-before" | "crash-after";
  /** Called for every process, before it does anything else. */
  readonly onStart: (plane: Pick<RunningPlane, "clock" | "store">) => void;
  readonly onCrash: (how: string) => void;
  /** What the process logs as an error while it lives: none is expected. */
  readonly onError: (message: string, fields: object) => void;
}

/** One process of the control plane: the real parts, wired as `server.ts` wires them. */
export interface RunningPlane {
  readonly clock: ProcessClock;
  readonly store: BerthStore;
  readonly gateway: Gateway;
  readonly services: readonly WireService<Principal>[];
  /** Called once when the process has ended. */
  onEnd(fn: () => void): void;
}

type Running = RunningPlane & { readonly ends: (() => void)[]; stop(): Promise<void> };

/** The control plane's machine: a disk that outlives every process, and at most one process. */
export class ControlPlane {
  readonly disk = new MemoryDisk();
  readonly #around: PlaneSurroundings;
  #running: Running | undefined;
  /** One that was told to end and has not. */
  #ending: Running | undefined;
  #incarnation = 0;
  #calls = 0;

  constructor(around: PlaneSurroundings) {
    this.#around = around;
  }

  /** True while a process has the disk. */
  get isBusy(): boolean {
    return this.#running !== undefined || this.#ending !== undefined;
  }

  /** The process that serves; undefined while there is none. */
  get running(): RunningPlane | undefined {
    return this.#running;
  }

  async start(): Promise<void> {
    const { time, wall } = this.#around;
    const clock = new ProcessClock(time, wall);
    const random = this.#around.random(++this.#incarnation);
    const log = this.#log(clock);
    const journal = new MemoryJournal({
      disk: this.disk,
      clock,
      delayMs: () => this.#around.diskMs(),
      fate: (entry) => this.#fate(entry),
    });
    const store = await openStore({ schema: SCHEMA, migrations: MIGRATIONS, journal, log });
    const ends: (() => void)[] = [];
    const plane = { clock, store, ends, onEnd: (fn: () => void) => void ends.push(fn) };
    this.#around.onStart({ clock, store });
    const parts = composeControlPlane({
      store,
      balancer: undefined,
      carriers: this.#around.carriers(clock),
      clock,
      random,
      log,
      authenticate: (id) => (id === KEY.accessKeyId ? SECRET : undefined),
      scope: { partition: "aws", region: REGION, accountId: "000000000000" },
      pageSecret: "simulation",
      sealer: createSealer("0".repeat(64), random),
      balancerAddress: BALANCER_ADDRESS,
      issuers: { httpPort: 80, probe: { ask: async () => undefined }, publishRoot: () => {} },
      deployment: DEFAULT_DEPLOYMENT_SETTINGS,
      retention: RETENTION,
      hostLoss: {},
    });
    this.#running = { ...plane, gateway: parts.gateway, services: parts.services, stop: () => parts.stop() };
  }

  /** As `kill -9`: what is not on disk is lost, and nothing of the process does anything any more. */
  crash(how: string): void {
    const running = this.#running ?? this.#ending;
    if (running !== undefined) this.#end(running, how);
  }

  #end(running: Running, how: string): void {
    if (running.clock.isDead) return;
    this.#running = undefined;
    this.#ending = undefined;
    running.clock.end();
    this.disk.journals.clear();
    this.#around.onCrash(how);
    for (const end of running.ends) end();
  }

  /** As SIGTERM: the process ends what it is doing and gives the disk back. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    // The port is closed first: no call comes in any more.
    this.#running = undefined;
    this.#ending = running;
    await running.stop();
    await running.store.close();
    this.#end(running, "stopped");
  }

  /** What the API answers to a decoded call. Rejects as the operation does. */
  call(service: ServiceName, operation: string, input: unknown): Promise<unknown> {
    const running = this.#running;
    if (running === undefined) throw new Error("the control plane is not running");
    const call: Call & { readonly signal: AbortSignal } = {
      principal: PRINCIPAL,
      requestId: `request-${++this.#calls}`,
      sourceIp: "10.1.0.1",
      host: "berth:7070",
      userAgent: "simulation",
      secure: false,
      signal: NEVER,
    };
    const api = running.services.find(({ model }) => model.signingName === SIGNING_NAMES[service]);
    if (api === undefined) throw new Error(`there is no service ${service}`);
    return api.call(operation, input, call);
  }

  #fate(entry: JournalEntry): Fate {
    const fate = this.#around.fate(entry);
    if (fate === "commit" || fate === "conflict") return { kind: fate };
    this.crash(`${fate} ${entry.name} was on disk`);
    return { kind: "fail", durable: fate === "crash-after", error: new Error("killed") };
  }

  #log(clock: ProcessClock): Log {
    const log: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields, message) => {
        if (!clock.isDead) this.#around.onError(message, fields);
      },
      child: () => log,
    };
    return log;
  }
}

const NEVER = new AbortController().signal;
