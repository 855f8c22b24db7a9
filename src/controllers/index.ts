import type { ControllerContext } from "./context.ts";
import { startRetentionController } from "./retention.ts";
import { startServicesController } from "./services/services.ts";
import { startTargetsController } from "./targets.ts";

export type { AttendanceSettings } from "./balancers/attendance.ts";
export { startBalancerController } from "./balancers/balancer.ts";
export { registeredTarget } from "./balancers/opinions.ts";
export type { CertificateIssuers } from "./certificates/certificate-issuers.ts";
export { startCertificatesController } from "./certificates/certificates.ts";
export type { AgentsHeard, ControllerContext } from "./context.ts";
export type { HostLossSettings } from "./hosts/host-loss.ts";
export { type AgentSessions, startInstancesController } from "./hosts/instances.ts";
export { type LastLines, type LogReader, startFailedTasksController } from "./services/failed-tasks.ts";
export { hostContact, observeService } from "./services/observe-service.ts";
export {
  type Move,
  REBALANCING_SETTINGS,
  REHEARSAL_SETTINGS,
  type Rehearsal,
  rehearseServices,
} from "./services/rehearsal.ts";

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
