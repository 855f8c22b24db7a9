import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { TaskRecord } from "../model/task.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import { applyHealth, type ContainersHealth } from "../state/index.ts";
import type { BerthSchema, BerthStore, Change } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import { AwsError } from "../wire/errors.ts";
import { refuseUpgrade } from "../wire/refuse-upgrade.ts";
import { type CredentialsLookup, createVerifier, type SignatureVerifier } from "../wire/sigv4.ts";
import { AcsSession } from "./acs-session.ts";
import { type AgentSocket, websocketOf } from "./agent-socket.ts";
import { Batch } from "./batch.ts";
import { Contacts } from "./contacts.ts";
import type { GatewayContext } from "./context.ts";
import { MAX_FRAME_BYTES } from "./frame.ts";
import type { Delivery } from "./outbox.ts";
import { recordConnected, recordConnectivity } from "./presence.ts";
import { Round } from "./round.ts";
import { DEFAULT_GATEWAY_SETTINGS, type GatewaySettings } from "./settings.ts";
import { type TaskLogsAnswer, TaskLogsExchange, type TaskLogsRequest } from "./task-logs.ts";
import { TcsSession } from "./tcs-session.ts";
import { type Admission, admit, type SessionRequest, sessionRequest } from "./upgrade.ts";

export interface GatewayOptions {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whose access key signed an upgrade request. */
  readonly authenticate: CredentialsLookup<unknown>;
  /** The region that requests must be signed for. */
  readonly region: string;
  readonly settings?: Partial<GatewaySettings>;
}

/** The agents' side of the control plane: their ACS and TCS sessions. */
export interface Gateway {
  /** Takes a websocket upgrade for `/acs/ws` or `/tcs/ws`, and refuses any other. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Judges a request for a session that comes over a transport of another kind, and answers what takes its connection
   * once that is made. Throws an AwsError for one that is refused; see `admit`.
   */
  admit(request: SessionRequest): (socket: AgentSocket) => void;
  /** Instances with an open ACS session. */
  connectedInstances(): ContainerInstanceArn[];
  /** The monotonic time at which the instance's agent was last heard; undefined if never in this process. */
  lastHeard(arn: ContainerInstanceArn): number | undefined;
  /** The monotonic time since which it is heard without a gap of more than 3 s; undefined if it is silent now. */
  heardSince(arn: ContainerInstanceArn): number | undefined;
  /** Records that an agent is not connected, because it is silent. It is connected again when it is heard. */
  declareSilent(arn: ContainerInstanceArn): Promise<void>;
  /** What a container of the instance wrote, asked of its agent over its open session. Never rejects. */
  requestTaskLogs(arn: ContainerInstanceArn, request: TaskLogsRequest): Promise<TaskLogsAnswer>;
  /** Ends all sessions, with no instance recorded as disconnected for it, and waits for what is being written. */
  close(): Promise<void>;
}

/** Opens the gateway; the server hands its upgrade requests over. */
export function createGateway(options: GatewayOptions): Gateway {
  return new AgentGateway(options);
}

class AgentGateway implements Gateway {
  readonly #context: GatewayContext;
  readonly #verifier: SignatureVerifier<unknown>;
  readonly #websockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  readonly #acs = new Map<ContainerInstanceArn, AcsSession>();
  readonly #tcs = new Map<ContainerInstanceArn, TcsSession>();
  readonly #contacts = new Contacts();
  readonly #delivered: Batch<readonly Delivery[]>;
  readonly #health: Batch<{ readonly taskArn: string; readonly health: ContainersHealth }>;
  readonly #taskLogs: TaskLogsExchange;
  readonly #timers: readonly Timer[];
  readonly #unwatch: () => void;
  /** Writes of agents' presence that are under way. */
  readonly #presence = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: GatewayOptions) {
    const settings = { ...DEFAULT_GATEWAY_SETTINGS, ...options.settings };
    const { store, clock, random, log } = options;
    this.#context = { store, clock, random, log: log.child({ room: "gateway" }), settings };
    this.#verifier = createVerifier({ region: options.region, authenticate: options.authenticate, clock });
    const gatherMs = settings.deliveredMs;
    this.#delivered = new Batch("delivered", (items) => this.#recordDelivered(items.flat()), this.#context, gatherMs);
    this.#health = new Batch("health", (items) => this.#recordHealth(items), this.#context);
    this.#taskLogs = new TaskLogsExchange({ clock, random });
    const pings = new Round<AcsSession>(clock, (session) => session.ping());
    const heartbeats = new Round<AcsSession | TcsSession>(clock, (session) => session.heartbeat());
    this.#timers = [
      clock.every(settings.pingMs, () => pings.begin(this.#acs.values())),
      clock.every(settings.heartbeatMs, () => heartbeats.begin([...this.#acs.values(), ...this.#tcs.values()])),
    ];
    this.#unwatch = store.watch((change) => this.#changed(change));
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (error: Error) => this.#context.log.debug({ error: error.message }, "upgrade was broken off");
    socket.on("error", onError);
    try {
      const open = this.admit(sessionRequest(request));
      this.#websockets.handleUpgrade(request, socket, head, (websocket) => {
        socket.off("error", onError);
        open(websocketOf(websocket));
      });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.#context.log.warn({ code: error.code, message: error.message }, "agent's session is refused");
      refuseUpgrade(socket, error);
    }
  }

  admit(request: SessionRequest): (socket: AgentSocket) => void {
    if (this.#isClosed) throw new AwsError("ServerException", "The server is stopping.", { httpStatus: 503 });
    const admission = admit(request, { verifier: this.#verifier, tables: this.#context.store.view });
    return (socket) => {
      if (admission.kind === "acs") this.#openAcs(socket, admission);
      else this.#openTcs(socket, admission);
    };
  }

  connectedInstances(): ContainerInstanceArn[] {
    return [...this.#acs.values()].filter((s) => s.isOpen).map((s) => s.arn);
  }

  lastHeard(arn: ContainerInstanceArn): number | undefined {
    return this.#contacts.last(arn);
  }

  heardSince(arn: ContainerInstanceArn): number | undefined {
    return this.#contacts.since(arn, this.#context.clock.monotonic());
  }

  declareSilent(arn: ContainerInstanceArn): Promise<void> {
    return recordConnectivity(this.#context.store, arn, false, this.#context.clock.now());
  }

  requestTaskLogs(arn: ContainerInstanceArn, request: TaskLogsRequest): Promise<TaskLogsAnswer> {
    return this.#taskLogs.ask(this.#acs.get(arn), request);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#unwatch();
    for (const session of [...this.#acs.values(), ...this.#tcs.values()]) {
      session.close("the server is stopping");
      this.#context.clock.after(CLOSE_PATIENCE_MS, () => session.terminate());
    }
    await Promise.all([this.#delivered.stop(), this.#health.stop(), ...this.#presence]);
    this.#websockets.close();
  }

  #openAcs(socket: AgentSocket, { instance, facts }: Admission): void {
    const { arn } = instance;
    const session: AcsSession = new AcsSession(socket, instance, this.#context, {
      onHeard: () => this.#heard(session),
      onClosed: () => this.#acsClosed(session),
      onDelivered: (deliveries) => {
        for (const one of deliveries) this.#delivered.add(`${one.taskArn} ${one.order}`, [one]);
      },
      onTaskLogs: (answer) => this.#taskLogs.answered(session, answer),
    });
    this.#acs.get(arn)?.terminate();
    this.#acs.set(arn, session);
    this.#contacts.heard(arn, this.#context.clock.monotonic());
    this.#write(
      recordConnected(this.#context.store, arn, facts, this.#context.clock.now()).then((range) => {
        if (range === undefined) session.close("InactiveInstanceException: the container instance is deregistered");
        else session.begin(range);
      }),
      () => session.terminate(),
    );
  }

  #openTcs(socket: AgentSocket, { instance }: Admission): void {
    const session: TcsSession = new TcsSession(socket, instance, this.#context, {
      onHealth: (taskArn, health) =>
        this.#health.add(taskArn, { taskArn, health }, (waiting, next) => ({
          taskArn,
          health: new Map([...waiting.health, ...next.health]),
        })),
      onClosed: () => {
        if (this.#tcs.get(session.arn) === session) this.#tcs.delete(session.arn);
      },
    });
    this.#tcs.get(instance.arn)?.terminate();
    this.#tcs.set(instance.arn, session);
    session.heartbeat();
  }

  /** An agent that was declared silent and speaks again is connected again, and is told what it missed. */
  #heard(session: AcsSession): void {
    if (this.#acs.get(session.arn) !== session) return;
    const { store, clock } = this.#context;
    this.#contacts.heard(session.arn, clock.monotonic());
    const record = store.view.containerInstances.get(session.arn);
    if (record === undefined || record.agentConnected || record.status === "INACTIVE" || this.#isClosed) return;
    if (!session.mayResume()) return;
    this.#write(
      recordConnectivity(store, session.arn, true, clock.now()).finally(() => session.resume()),
      () => session.terminate(),
    );
  }

  /** A session that another one has replaced says nothing about the agent. */
  #acsClosed(session: AcsSession): void {
    this.#taskLogs.closed(session);
    if (this.#acs.get(session.arn) !== session) return;
    this.#acs.delete(session.arn);
    if (this.#isClosed) return;
    const { store, clock } = this.#context;
    this.#write(recordConnectivity(store, session.arn, false, clock.now()));
  }

  #write(writing: Promise<void>, onFailure?: () => void): void {
    const settled = writing
      .catch((error: unknown) => {
        this.#context.log.error({ error: String(error) }, "an agent's presence could not be recorded");
        onFailure?.();
      })
      .finally(() => this.#presence.delete(settled));
    this.#presence.add(settled);
  }

  /** Passes a committed change on to the sessions it concerns, and lets each of them speak once. */
  #changed(change: Change<BerthSchema>): void {
    const concerned = new Set<AcsSession>();
    for (const put of change.puts) {
      if (put.table === "tasks") {
        const session = this.#sessionOf(put.after);
        session?.notice(put.after);
        if (session !== undefined) concerned.add(session);
      } else if (put.table === "containerInstances" && put.after.status === "INACTIVE") this.#retire(put.after.arn);
    }
    for (const gone of change.deletes) {
      if (gone.table === "tasks") this.#sessionOf(gone.before)?.forget(gone.before.arn);
      else if (gone.table === "containerInstances") this.#contacts.forget(gone.before.arn);
    }
    for (const session of concerned) session.flush();
  }

  #sessionOf(task: TaskRecord): AcsSession | undefined {
    return task.containerInstanceArn === undefined ? undefined : this.#acs.get(task.containerInstanceArn);
  }

  #retire(arn: ContainerInstanceArn): void {
    this.#contacts.forget(arn);
    this.#acs.get(arn)?.retire();
    this.#tcs.get(arn)?.close("InactiveInstanceException: the container instance is deregistered");
  }

  #recordDelivered(deliveries: readonly Delivery[]): Promise<void> {
    return this.#context.store.transact("delivered", (tx) => {
      for (const { taskArn, order } of deliveries) {
        const task = tx.tasks.get(taskArn);
        if (task === undefined || task.delivered[order]) continue;
        tx.tasks.put({ ...task, delivered: { ...task.delivered, [order]: true } });
      }
    });
  }

  #recordHealth(items: readonly { readonly taskArn: string; readonly health: ContainersHealth }[]): Promise<void> {
    return this.#context.store.transact("container health", (tx) => {
      for (const { taskArn, health } of items) {
        const task = tx.tasks.get(taskArn);
        if (task !== undefined) applyHealth(tx, task, health);
      }
    });
  }
}

/** How long an agent has to answer a close before its connection is cut, in milliseconds. */
const CLOSE_PATIENCE_MS = 1_000;
