import type { ControllerContext } from "./context.ts";
import { startRetentionController } from "./retention.ts";
import { startServicesController } from "./services.ts";
import { startTargetsController } from "./targets.ts";

export type { AttendanceSettings } from "./attendance.ts";
export { startBalancerController } from "./balancer.ts";
export type { CertificateIssuers } from "./certificate-issuers.ts";
export { startCertificatesController } from "./certificates.ts";
export type { AgentsHeard, ControllerContext } from "./context.ts";
export { type LastLines, type LogReader, startFailedTasksController } from "./failed-tasks.ts";
export type { HostLossSettings } from "./host-loss.ts";
export { type AgentSessions, startInstancesController } from "./instances.ts";
export { hostContact, observeService } from "./observe-service.ts";
export { registeredTarget } from "./opinions.ts";
export { type Move, REBALANCING_SETTINGS, REHEARSAL_SETTINGS, type Rehearsal, rehearseServices } from "./rehearsal.ts";

/** The loops of the control plane, running. */
export interface Controllers {
  /** Begins nothing more and waits for what is under way. */
  stop(): Promise<void>;
}

/** Starts every loop that needs nothing but the store. Each looks at all that is there first. */
export function startControllers(context: ControllerContext): Controllers {
  const loops = [startServicesController(context), startTargetsController(context), startRetentionController(context)];
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
