import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../../runtime/log.ts";
import { seededRandom } from "../../runtime/random.ts";
import type { Balancer, BalancerStatus } from "../balancer.ts";
import type { TrafficSample } from "../metering/traffic-sample.ts";
import type { BalancerState, TargetReport } from "../state.ts";
import { validateState } from "../validate-state.ts";
import { type Carriers, type CarriersOptions, createCarriers } from "./carriers.ts";
import { type CarrierHost, type CarrierHostOptions, startCarrierHost } from "./host.ts";
import type { KeptState } from "./kept-state.ts";

export const KEY = { accessKeyId: "AKIATEST", secretAccessKey: "the-secret" };
const REGION = "us-east-1";

/** A balancer that has become whatever it was told, at once unless it is held. */
export class FakeBalancer implements Balancer {
  readonly applied: BalancerState[] = [];
  readonly #subscribers = new Set<(changed: readonly TargetReport[]) => void>();
  readonly #trafficListeners = new Set<(sample: TrafficSample) => void>();
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  known: TargetReport[] = [];
  isHeld = false;
  problem: string | undefined;
  taken: ReadonlySet<number> = new Set();
  now: BalancerStatus = { pid: 17, version: "2.6.12", generation: 1, failedListeners: [] };

  get newest(): BalancerState | undefined {
    return this.applied.at(-1);
  }

  apply(state: BalancerState): void {
    validateState(state);
    this.applied.push(state);
  }

  onReport(listener: (changed: readonly TargetReport[]) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  report(reports: readonly TargetReport[]): void {
    this.known.push(...reports);
    for (const subscriber of this.#subscribers) subscriber(reports);
  }

  onTraffic(listener: (sample: TrafficSample) => void): () => void {
    this.#trafficListeners.add(listener);
    return () => this.#trafficListeners.delete(listener);
  }

  onAccess(): () => void {
    return () => {};
  }

  carry(sample: TrafficSample): void {
    for (const listener of this.#trafficListeners) listener(sample);
  }

  reports(): readonly TargetReport[] {
    return this.known;
  }

  settled(): Promise<void> {
    if (this.problem !== undefined) return Promise.reject(new Error(this.problem));
    if (!this.isHeld) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  release(): void {
    this.isHeld = false;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  async checkBind(address: string, port: number): Promise<string | undefined> {
    return this.taken.has(port) ? `${address} port ${port} is taken` : undefined;
  }

  status(): BalancerStatus {
    return this.now;
  }

  async stop(): Promise<void> {}
}

/** What would be on a host's disk. */
export class MemoryKept implements KeptState {
  readonly identity: string;
  state: BalancerState | undefined;

  constructor(identity = "1".repeat(32)) {
    this.identity = identity;
  }

  load(): BalancerState | undefined {
    return this.state;
  }

  keep(state: BalancerState): void {
    this.state = state;
  }

  async flush(): Promise<void> {}
}

/** The control plane's end on a loopback port, and a cable to it that can be cut and listened to. */
export interface CarriersRig {
  readonly carriers: Carriers;
  /** All bytes that came by, of both directions in the order in which they came. */
  readonly heard: Buffer[];
  /** Nothing comes by any more, and no connection is closed for it. */
  cut(): void;
  mend(): void;
  host(options?: Partial<CarrierHostOptions>): CarrierHost;
  close(): Promise<void>;
}

export async function carriersRig(options: Partial<CarriersOptions> = {}): Promise<CarriersRig> {
  const clock = systemClock();
  const log = silentLog();
  const carriers = createCarriers({
    clock,
    random: seededRandom(1),
    log,
    region: REGION,
    pingMs: 100,
    authenticate: (id) =>
      id === KEY.accessKeyId ? { secretAccessKey: KEY.secretAccessKey, principal: "tester" } : undefined,
    ...options,
  });
  const http = createServer((_request, response) => response.writeHead(404).end());
  http.on("upgrade", (request, socket, head) => {
    if (carriers.isAsked(request)) carriers.handleUpgrade(request, socket, head);
    else socket.destroy();
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const cable = await startCable((http.address() as AddressInfo).port);
  const hosts: CarrierHost[] = [];
  return {
    carriers,
    heard: cable.heard,
    cut: cable.cut,
    mend: cable.mend,
    host: (over = {}) => {
      const host = startCarrierHost({
        balancer: new FakeBalancer(),
        address: "0.0.0.0",
        name: "edge-1",
        endpoint: new URL(`http://127.0.0.1:${cable.port}`),
        region: REGION,
        credentials: () => KEY,
        kept: new MemoryKept(),
        clock,
        random: seededRandom(2),
        log,
        pingMs: 100,
        adoptedPatienceMs: 200,
        ...over,
      });
      hosts.push(host);
      return host;
    },
    close: async () => {
      for (const host of hosts) await host.stop();
      await carriers.close();
      cable.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function startCable(to: number) {
  const heard: Buffer[] = [];
  const open = new Set<Socket>();
  let isCut = false;
  const server = createTcpServer((near) => {
    const far = connect(to, "127.0.0.1");
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on("error", () => from.destroy());
      from.on("close", () => {
        open.delete(from);
        if (!isCut) into.destroy();
      });
      from.on("data", (data) => {
        if (isCut) return;
        heard.push(Buffer.from(data));
        into.write(data);
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const destroyAll = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
      destroyAll();
    },
    close: () => {
      destroyAll();
      server.close();
    },
  };
}
