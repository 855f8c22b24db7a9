import type { AgentSocket, AgentSocketEvents } from "../src/gateway/index.ts";
import type { Chance } from "./chance.ts";
import type { ProcessClock, VirtualTime } from "./virtual-time.ts";

/** How long a socket's buffers take what is sent into a cut network before `bufferedBytes` grows. */
const SOCKET_BUFFER_BYTES = 256 * 1024;

/** The network between one machine and the control plane's. It can be cut; what is on its way then waits, as in TCP. */
export class Link {
  isCut = false;
  /** Milliseconds that are added to each way while the network is slow. */
  slowMs = 0;
  readonly #time: VirtualTime;
  readonly #chance: Chance;
  #held: (() => void)[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(time: VirtualTime, chance: Chance) {
    this.#time = time;
    this.#chance = chance;
  }

  /** Milliseconds of one way. */
  delayMs(): number {
    return 0.2 + this.#chance.next() * (2 + 2 * this.slowMs);
  }

  /** Has `arrive` called after the time of one way, or when the network is whole again. */
  bring(arrive: () => void): void {
    this.bringAt(this.#time.now + this.delayMs(), arrive);
  }

  bringAt(at: number, arrive: () => void): void {
    this.#time.after(at - this.#time.now, () => {
      if (this.isCut) this.#held.push(arrive);
      else arrive();
    });
  }

  cut(): void {
    this.isCut = true;
    for (const watcher of [...this.#watchers]) watcher();
  }

  heal(): void {
    this.isCut = false;
    for (const arrive of this.#held.splice(0)) this.#time.after(0, arrive);
    for (const watcher of [...this.#watchers]) watcher();
  }

  /** Calls `watcher` when the network is cut or whole again. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** What the agent's end of a connection tells. */
export interface ClientEvents {
  readonly onText: (text: string) => void;
  readonly onClosed: (reason: string) => void;
}

/** One direction of a connection: in order, whatever the network does. */
class Pipe {
  readonly #time: VirtualTime;
  readonly #link: Link;
  readonly #to: ProcessClock;
  #lastAt = 0;
  /** Bytes that have not arrived. */
  waitingBytes = 0;

  constructor(time: VirtualTime, link: Link, to: ProcessClock) {
    this.#time = time;
    this.#link = link;
    this.#to = to;
  }

  /** True if something sent now would arrive at once, but for the time of the way. */
  get isClear(): boolean {
    return !this.#link.isCut && !this.#to.isDead && this.#to.stoppedMs === 0 && this.waitingBytes === 0;
  }

  send(bytes: number, arrive: () => void): void {
    this.waitingBytes += bytes;
    this.#lastAt = Math.max(this.#lastAt, this.#time.now + this.#link.delayMs());
    this.#link.bringAt(this.#lastAt, () => this.#arrived(bytes, arrive));
  }

  /** A stopped process reads what its socket holds when it goes on. */
  #arrived(bytes: number, arrive: () => void): void {
    if (this.#to.isDead) return;
    if (this.#to.stoppedMs > 0) {
      this.#time.after(this.#to.stoppedMs, () => this.#arrived(bytes, arrive));
      return;
    }
    this.waitingBytes -= bytes;
    arrive();
  }
}

/** Who watches a connection. */
export interface ConnectionSpy {
  readonly onFrame: (direction: "down" | "up", text: string) => void;
  /** The gateway hears something of the agent. */
  readonly onHeard: () => void;
}

/** A connection between an agent and the gateway: what a websocket over TCP is to both ends. */
export class Connection {
  readonly #down: Pipe;
  readonly #up: Pipe;
  readonly #serverClock: ProcessClock;
  readonly #client: ClientEvents;
  #server: AgentSocketEvents | undefined;
  #isServerOpen = true;
  #isClientOpen = true;
  readonly #spy: ConnectionSpy;
  readonly server: AgentSocket;

  constructor(
    ends: {
      readonly time: VirtualTime;
      readonly link: Link;
      readonly client: ProcessClock;
      readonly server: ProcessClock;
    },
    client: ClientEvents,
    spy: ConnectionSpy,
  ) {
    this.#down = new Pipe(ends.time, ends.link, ends.client);
    this.#up = new Pipe(ends.time, ends.link, ends.server);
    this.#serverClock = ends.server;
    this.#client = client;
    this.#spy = spy;
    this.server = this.#serverEnd();
  }

  get isClientOpen(): boolean {
    return this.#isClientOpen;
  }

  /** The answer to the agent's request goes first. */
  accept(opened: () => void): void {
    this.#down.send(0, opened);
  }

  /** The agent sends a frame. */
  send(text: string): void {
    if (!this.#isClientOpen) return;
    this.#spy.onFrame("up", text);
    this.#up.send(text.length, () => {
      if (!this.#isServerOpen) return;
      this.#spy.onHeard();
      this.#server?.onText(text);
    });
  }

  /** The agent's process ends the connection, or ends itself: the gateway hears of it as soon as the network lets it. */
  endClient(): void {
    if (!this.#isClientOpen) return;
    this.#isClientOpen = false;
    this.#up.send(0, () => this.#serverClosed());
  }

  /** The agent's machine is gone without a word. */
  vanish(): void {
    this.#isClientOpen = false;
  }

  /** The agent's machine is back and knows nothing of the connection: what the gateway next sends is answered with a reset. */
  reset(): void {
    this.#up.send(0, () => this.#serverClosed());
  }

  /** The control plane's process is gone: its machine says so. */
  serverDied(): void {
    if (!this.#isServerOpen) return;
    this.#isServerOpen = false;
    this.#tellClient("connection reset");
  }

  #serverEnd(): AgentSocket {
    const self = this;
    return {
      get isOpen() {
        return self.#isServerOpen;
      },
      get bufferedBytes() {
        return Math.max(0, self.#down.waitingBytes - SOCKET_BUFFER_BYTES);
      },
      listen(events) {
        self.#server = events;
      },
      send: (text) => self.#sendDown(text),
      ping: () => self.#ping(),
      close: (_code, reason) => self.#closeByServer(reason),
      terminate: () => self.#closeByServer("terminated"),
    };
  }

  #sendDown(text: string): void {
    if (!this.#isServerOpen || this.#serverClock.isDead) return;
    this.#spy.onFrame("down", text);
    this.#down.send(text.length, () => {
      if (this.#isClientOpen) this.#client.onText(text);
    });
  }

  /** An agent that is there and reachable answers at once, which costs no event. */
  #ping(): void {
    if (!this.#isServerOpen || this.#serverClock.isDead) return;
    if (this.#isClientOpen && this.#down.isClear && this.#up.isClear) {
      this.#sign();
      return;
    }
    this.#down.send(0, () => {
      if (this.#isClientOpen) this.#up.send(0, () => this.#sign());
    });
  }

  #sign(): void {
    if (!this.#isServerOpen) return;
    this.#spy.onHeard();
    this.#server?.onSign();
  }

  #closeByServer(reason: string): void {
    if (!this.#isServerOpen || this.#serverClock.isDead) return;
    this.#tellClient(reason);
    this.#serverClosed();
  }

  #serverClosed(): void {
    if (!this.#isServerOpen) return;
    this.#isServerOpen = false;
    // As with a real socket, the end is told later, never from within the call that brought it about.
    queueMicrotask(() => {
      if (!this.#serverClock.isDead) this.#server?.onClosed();
    });
  }

  #tellClient(reason: string): void {
    this.#down.send(0, () => {
      if (!this.#isClientOpen) return;
      this.#isClientOpen = false;
      this.#client.onClosed(reason);
    });
  }
}
