import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { AwsError } from "../../wire/errors.ts";
import { refuseUpgrade } from "../../wire/refuse-upgrade.ts";
import { type CredentialsLookup, createVerifier, type SignatureVerifier } from "../../wire/sigv4.ts";
import type { Balancer } from "../balancer.ts";
import { admitCarrier, type CarrierOffer, OWN_NAME } from "./admission.ts";
import { Channel } from "./channel.ts";
import { CARRIER_PATH, MAX_BYTES_FROM_HOST, MAX_BYTES_TO_HOST, readMessageFromHost } from "./messages.ts";
import { RemoteBalancer } from "./remote-balancer.ts";
import { sessionSealer } from "./session-key.ts";

/** Bytes that may wait to be sent to one host beside the message that is being sent. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

/** One of the balancers that carry the same load balancers. */
export interface Carrier {
  readonly name: string;
  /** Where clients reach it. */
  readonly address: string;
  readonly balancer: Balancer;
}

export interface CarriersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Whose access key signed a request. */
  readonly authenticate: CredentialsLookup<unknown>;
  /** The region that requests must be signed for. */
  readonly region: string;
  /** Between pings to each host, in milliseconds; after three without an answer it has left. 2000 if left out. */
  readonly pingMs?: number;
  /** The balancer of this very process, and the address that it carries for; it is always connected. */
  readonly own?: { readonly balancer: Balancer; readonly address: string };
  /** Why a balancer of that name may not join, if it may not. */
  readonly mayJoin?: (name: string) => string | undefined;
}

/** Who is told of balancers that come and go. */
export interface CarriersWatcher {
  /** Its session is open and nothing was said yet. One of the same name has left before. */
  joined(carrier: Carrier): void;
  left(carrier: Carrier): void;
}

/** The balancers that carry the load balancers: this process's own, and those of other hosts while they are connected. */
export interface Carriers {
  /** Whether a websocket upgrade is for `handleUpgrade`. */
  isAsked(request: IncomingMessage): boolean;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** In the order of their names. */
  connected(): readonly Carrier[];
  watch(watcher: CarriersWatcher): () => void;
  /** Why one of those that are connected could not open a listener there, and which one. The address is that of the own one. */
  checkBind(address: string, port: number): Promise<string | undefined>;
  /** Ends the session of the host of that name, if there is one: it has left. */
  drop(name: string): void;
  /** Ends all sessions, and nobody is told of it. */
  close(): Promise<void>;
}

/** Opens the control plane's end; the server hands its upgrade requests over. */
export function createCarriers(options: CarriersOptions): Carriers {
  return new CarrierSessions(options);
}

interface Session {
  readonly carrier: Carrier;
  readonly identity: string;
  readonly remote?: RemoteBalancer;
}

class CarrierSessions implements Carriers {
  readonly #options: CarriersOptions;
  readonly #log: Log;
  readonly #verifier: SignatureVerifier<string>;
  readonly #websockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BYTES_FROM_HOST,
    perMessageDeflate: false,
  });
  readonly #sessions = new Map<string, Session>();
  readonly #watchers = new Set<CarriersWatcher>();
  #isClosed = false;

  constructor(options: CarriersOptions) {
    this.#options = options;
    this.#log = options.log.child({ room: "carriers" });
    const { region, clock } = options;
    const authenticate: CredentialsLookup<string> = (accessKeyId, sessionToken) => {
      const found = options.authenticate(accessKeyId, sessionToken);
      return found && { secretAccessKey: found.secretAccessKey, principal: found.secretAccessKey };
    };
    this.#verifier = createVerifier({ region, authenticate, clock });
    if (options.own !== undefined)
      this.#sessions.set(OWN_NAME, { carrier: { name: OWN_NAME, ...options.own }, identity: "" });
  }

  isAsked(request: IncomingMessage): boolean {
    return request.url?.split("?", 1)[0] === CARRIER_PATH;
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (error: Error) => this.#log.debug({ error: error.message }, "upgrade was broken off");
    socket.on("error", onError);
    try {
      const offer = this.#admit(request);
      this.#websockets.handleUpgrade(request, socket, head, (websocket) => {
        socket.off("error", onError);
        this.#open(websocket, offer);
      });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.#log.warn({ code: error.code, message: error.message }, "a balancer's session is refused");
      refuseUpgrade(socket, error);
    }
  }

  connected(): readonly Carrier[] {
    return [...this.#sessions.values()].map(({ carrier }) => carrier).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  watch(watcher: CarriersWatcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async checkBind(address: string, port: number): Promise<string | undefined> {
    const answers = await Promise.all(
      this.connected().map(async ({ name, balancer }) => {
        const problem = await balancer.checkBind(address, port);
        return problem === undefined || name === OWN_NAME ? problem : `on balancer ${name}: ${problem}`;
      }),
    );
    return answers.find((problem) => problem !== undefined);
  }

  drop(name: string): void {
    const session = this.#sessions.get(name);
    if (session?.remote === undefined) return;
    void session.remote.stop();
    this.#closed(session);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#watchers.clear();
    await Promise.all([...this.#sessions.values()].map(({ remote }) => remote?.stop()));
    this.#websockets.close();
  }

  #admit(request: IncomingMessage): CarrierOffer {
    if (this.#isClosed) throw new AwsError("ServerException", "The server is stopping.", { httpStatus: 503 });
    const { method = "", url = "/", headers, socket } = request;
    const offer = admitCarrier({ method, url, headers, remoteAddress: socket.remoteAddress }, this.#verifier);
    const other = this.#sessions.get(offer.name);
    const problem =
      other !== undefined && other.identity !== offer.identity
        ? `Another host carries load balancers as '${offer.name}' now (${other.carrier.address}): give this one a name of its own with --name.`
        : this.#options.mayJoin?.(offer.name);
    if (problem !== undefined) throw new AwsError("InvalidParameterException", problem);
    return offer;
  }

  #open(websocket: WebSocket, offer: CarrierOffer): void {
    const { name, address, identity } = offer;
    const log = this.#log.child({ balancer: name });
    // Between the request's judgement and now its name may have been taken.
    const other = this.#sessions.get(name);
    if (this.#isClosed || (other !== undefined && other.identity !== identity)) {
      websocket.terminate();
      return;
    }
    this.drop(name);
    const remote = this.#command(websocket, offer, log, () => this.#closed(session));
    const session: Session = { carrier: { name, address, balancer: remote }, identity, remote };
    this.#sessions.set(name, session);
    log.info({ address }, "a balancer joined");
    for (const watcher of this.#watchers) watcher.joined(session.carrier);
  }

  /** Begins to speak with the host; `onClosed` is called once, and not before this has returned. */
  #command(websocket: WebSocket, offer: CarrierOffer, log: Log, onClosed: () => void): RemoteBalancer {
    const { clock, random, pingMs } = this.#options;
    const channel: Channel = new Channel(websocket, {
      clock,
      log,
      pingMs,
      maxMessageBytes: MAX_BYTES_TO_HOST,
      maxWaitingBytes: MAX_WAITING_BYTES,
      onText: (text) => remote.receive(readMessageFromHost(text)),
      onClosed: (reason) => {
        log.warn({ reason }, "a balancer's session ended");
        onClosed();
      },
    });
    const ofServer = random.hex(16);
    const sealer = sessionSealer(offer.secretAccessKey, { ofHost: offer.nonce, ofServer }, random);
    const remote = new RemoteBalancer(channel, { sealer, clock, log });
    channel.send({ type: "hello", nonce: ofServer });
    return remote;
  }

  #closed(session: Session): void {
    session.remote?.closed();
    if (this.#sessions.get(session.carrier.name) !== session) return;
    this.#sessions.delete(session.carrier.name);
    for (const watcher of this.#watchers) watcher.left(session.carrier);
  }
}
