import { REBALANCING_SETTINGS } from "../../controllers/index.ts";
import type { ServiceRecord } from "../../model/service.ts";
import { spreadFields } from "../../scheduler/index.ts";
import { serviceNotActive } from "../ecs/errors.ts";
import { resolveCluster } from "../ecs/resolve.ts";
import { resolveService } from "../ecs/services/resolve.ts";
import type { Operation } from "./operation.ts";
import { planChange } from "./plan.ts";

/** How a service's tasks would be evened out over zones and hosts, were every host open to them, whether or not the service asks for it. */
export const planServiceRebalance: Operation<"PlanServiceRebalance"> = (context, { cluster, service: name }) =>
  planChange(context, {
    make: (tx) => {
      const service = resolveService(tx, context.scope, resolveCluster(tx, context.scope, cluster), name);
      if (service.status !== "ACTIVE") throw serviceNotActive();
      const notes = notesOf(service);
      if (service.schedulingStrategy === "REPLICA")
        tx.services.put({ ...service, availabilityZoneRebalancing: "ENABLED" });
      return { services: [service.arn], notes, settings: REBALANCING_SETTINGS };
    },
  });

/** Why nothing of it would happen by itself. */
function notesOf(service: ServiceRecord): readonly string[] {
  if (service.schedulingStrategy === "DAEMON")
    return ["a DAEMON service has its task on every host: none is ever moved"];
  if (spreadFields(service.placementStrategy).length === 0) {
    return ["the service's placement strategy does not spread its tasks: none is ever moved"];
  }
  if (service.availabilityZoneRebalancing === "ENABLED") return [];
  return ["availabilityZoneRebalancing is DISABLED for the service: none of this happens until it is ENABLED"];
}
