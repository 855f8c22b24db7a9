import { createAcmService } from "./api/acm/index.ts";
import { createBerthService } from "./api/berth/index.ts";
import { createCloudWatchService } from "./api/cloudwatch/index.ts";
import type { AccountScope, ApiContext, BalancerFacts, Principal } from "./api/context.ts";
import { createEcsService } from "./api/ecs/index.ts";
import { createElbV2Service } from "./api/elbv2/index.ts";
import { createLogsService } from "./api/logs/index.ts";
import { type AccessRecord, type Balancer, type Carriers, createCarriers } from "./balancer/index.ts";
import {
  type AttendanceSettings,
  type CertificateIssuers,
  type ControllerContext,
  type HostLossSettings,
  startBalancerController,
  startCertificatesController,
  startControllers,
  startFailedTasksController,
  startInstancesController,
} from "./controllers/index.ts";
import type { DeploymentSettings } from "./deployment/index.ts";
import { createGateway, type Gateway } from "./gateway/index.ts";
import { MAX_BALANCERS } from "./model/balancer.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Log } from "./runtime/log.ts";
import type { Random } from "./runtime/random.ts";
import type { Sealer } from "./runtime/sealer.ts";
import { lastLinesReader } from "./server-last-lines.ts";
import type { BerthStore } from "./store/index.ts";
import { createTelemetry, hearTraffic, type Telemetry } from "./telemetry/index.ts";
import type { CredentialsLookup } from "./wire/sigv4.ts";
import type { WireService } from "./wire/wire-service.ts";

/** What a control plane is put together from. */
export interface ControlPlaneParts {
  readonly store: BerthStore;
  /** This process's own; undefined where it carries nothing. */
  readonly balancer: Balancer | undefined;
  /** The address that new load balancers bind. */
  readonly balancerAddress: string;
  /** All balancers, its own among them, where those of other hosts do not come over websockets. */
  readonly carriers?: Carriers;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scope: AccountScope;
  readonly authenticate: CredentialsLookup<Principal>;
  /** Signs pagination tokens. */
  readonly pageSecret: string;
  /** Seals what must not lie open on disk. */
  readonly sealer: Sealer;
  readonly issuers: CertificateIssuers;
  readonly deployment: DeploymentSettings;
  readonly retention: ControllerContext["retention"];
  /** Takes requests to load balancers with an access log. */
  readonly takeAccess?: (records: readonly AccessRecord[]) => void;
  readonly hostLoss: Partial<HostLossSettings>;
  /** How long balancers of other hosts are waited for. */
  readonly attendance?: Partial<AttendanceSettings>;
}

/** The rooms of the control plane, wired together and running. */
export interface ControlPlane {
  readonly gateway: Gateway;
  readonly carriers: Carriers;
  readonly telemetry: Telemetry;
  /** The APIs, each as the wire serves it. */
  readonly services: readonly WireService<Principal>[];
  stop(): Promise<void>;
}

/** Wires the rooms together and starts the loops. */
export function composeControlPlane(parts: ControlPlaneParts): ControlPlane {
  const { store, clock, random, log, deployment, scope, sealer, authenticate, issuers } = parts;
  const gateway = createGateway({ store, clock, random, log, authenticate, region: scope.region });
  const carriers = parts.carriers ?? websocketCarriers(parts);
  const telemetry = createTelemetry(store, clock);
  const endTraffic = hearTraffic(telemetry, carriers, parts.takeAccess ?? (() => {}));
  const controller: ControllerContext = {
    store,
    clock,
    random,
    log,
    deployment,
    retention: parts.retention,
    agents: gateway,
  };
  const hosts = startInstancesController(controller, gateway, parts.hostLoss);
  const loops = [
    startControllers(controller),
    startFailedTasksController(controller, lastLinesReader(store, gateway)),
    hosts,
    startCertificatesController({ store, clock, random, log, sealer, issuers }),
    startBalancerController(controller, carriers, sealer, parts.attendance),
  ];
  const context: ApiContext = {
    store,
    clock,
    random,
    log,
    scope,
    pageSecret: parts.pageSecret,
    sealer,
    balancer: balancerFacts(parts.balancerAddress, carriers, store),
    telemetry,
    certificates: { hasAcmeServer: issuers.acme !== undefined, hasDnsHook: issuers.dnsHook !== undefined },
    taskLogs: { read: (instance, request) => gateway.requestTaskLogs(instance, request) },
    services: { settings: deployment, agents: gateway, heldHosts: () => hosts.heldHosts() },
  };
  return {
    gateway,
    carriers,
    telemetry,
    services: [
      createEcsService(context),
      createElbV2Service(context),
      createAcmService(context),
      createCloudWatchService(context),
      createLogsService(context),
      createBerthService(context),
    ],
    stop: async () => {
      endTraffic();
      telemetry.stop();
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([gateway.close(), carriers.close()]);
    },
  };
}

function websocketCarriers(parts: ControlPlaneParts): Carriers {
  const { store, balancer, balancerAddress, clock, random, log, authenticate, scope } = parts;
  return createCarriers({
    clock,
    random,
    log,
    authenticate,
    region: scope.region,
    own: balancer && { balancer, address: balancerAddress },
    mayJoin: (name) => mayJoin(store.view, name),
  });
}

/** Why no balancer of that name may join, if it may not. */
function mayJoin({ balancers }: BerthStore["view"], name: string): string | undefined {
  if (balancers.get(name) !== undefined || balancers.size < MAX_BALANCERS) return undefined;
  return `There are ${MAX_BALANCERS} balancers already. Remove one that will not come back: berth balancers rm NAME.`;
}

const NO_BALANCER =
  "no balancer is there to open it. Install HAProxy (2.6 or newer) on the server's machine, or name it with --haproxy, and restart the server; or run `berth balancer` on a host";

function balancerFacts(address: string, carriers: Carriers, { view }: BerthStore): BalancerFacts {
  const named = (name: string) => carriers.connected().find((carrier) => carrier.name === name)?.balancer;
  return {
    address,
    // Those that are known and away will open it when they are back.
    checkBind: async (at, port) =>
      carriers.connected().length + view.balancers.size === 0 ? NO_BALANCER : carriers.checkBind(at, port),
    status: (name) => named(name)?.status(),
    reports: (name) => named(name)?.reports() ?? [],
    drop: (name) => carriers.drop(name),
  };
}
