import { createAcmService } from "./api/acm/index.ts";
import { createBerthService } from "./api/berth/index.ts";
import type { AccountScope, ApiContext, BalancerFacts, Principal } from "./api/context.ts";
import { createEcsService } from "./api/ecs/index.ts";
import { createElbV2Service } from "./api/elbv2/index.ts";
import { createLogsService } from "./api/logs/index.ts";
import type { Balancer } from "./balancer/index.ts";
import {
  type ControllerContext,
  type HostLossSettings,
  startBalancerController,
  startControllers,
  startFailedTasksController,
  startInstancesController,
} from "./controllers/index.ts";
import type { DeploymentSettings } from "./deployment/index.ts";
import { createGateway, type Gateway } from "./gateway/index.ts";
import type { Clock } from "./runtime/clock.ts";
import type { Log } from "./runtime/log.ts";
import type { Random } from "./runtime/random.ts";
import type { Sealer } from "./runtime/sealer.ts";
import { lastLinesReader } from "./server-last-lines.ts";
import type { BerthStore } from "./store/index.ts";
import type { CredentialsLookup } from "./wire/sigv4.ts";
import type { WireService } from "./wire/wire-service.ts";

/** What a control plane is put together from. */
export interface ControlPlaneParts {
  readonly store: BerthStore;
  /** Undefined where there is no load balancer. */
  readonly balancer: Balancer | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly scope: AccountScope;
  readonly authenticate: CredentialsLookup<Principal>;
  /** Signs pagination tokens. */
  readonly pageSecret: string;
  /** Seals what must not lie open on disk. */
  readonly sealer: Sealer;
  readonly balancerFacts: BalancerFacts;
  readonly deployment: DeploymentSettings;
  readonly retention: ControllerContext["retention"];
  readonly hostLoss: Partial<HostLossSettings>;
}

/** The rooms of the control plane, wired together and running. */
export interface ControlPlane {
  readonly gateway: Gateway;
  /** The APIs, each as the wire serves it. */
  readonly services: readonly WireService<Principal>[];
  stop(): Promise<void>;
}

/** Wires the rooms together and starts the loops. */
export function composeControlPlane(parts: ControlPlaneParts): ControlPlane {
  const { store, balancer, clock, random, log, deployment, scope, sealer, authenticate } = parts;
  const gateway = createGateway({ store, clock, random, log, authenticate, region: scope.region });
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
    ...(balancer === undefined ? [] : [startBalancerController(controller, balancer, sealer)]),
  ];
  const context: ApiContext = {
    store,
    clock,
    random,
    log,
    scope,
    pageSecret: parts.pageSecret,
    sealer,
    balancer: parts.balancerFacts,
    taskLogs: { read: (instance, request) => gateway.requestTaskLogs(instance, request) },
    services: { settings: deployment, agents: gateway, heldHosts: () => hosts.heldHosts() },
  };
  return {
    gateway,
    services: [
      createEcsService(context),
      createElbV2Service(context),
      createAcmService(context),
      createLogsService(context),
      createBerthService(context),
    ],
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await gateway.close();
    },
  };
}
