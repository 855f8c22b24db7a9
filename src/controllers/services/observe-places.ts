import type { DeploymentSettings, ObservedPlace } from "../../deployment/index.ts";
import { isInHostGroup } from "../../model/capacity-provider.ts";
import { primaryDeployment, type ServiceRecord } from "../../model/service.ts";
import type { Instant } from "../../runtime/clock.ts";
import { roomFor } from "../../scheduler/index.ts";
import { fleetBehindDaemons, placementOfService } from "../../state/index.ts";
import type { BerthView } from "../../store/index.ts";
import type { ContainerInstanceArn } from "../../wire/arn.ts";

/** Where a task that was moved there has failed, none is moved to for so long, in milliseconds. */
export const FAILED_MOVE_REST_MS = 10 * 60 * 1000;

/** The instances to which a service's tasks may be moved: connected, and with what they need. */
export function observePlaces(
  tables: BerthView,
  service: ServiceRecord,
  settings: DeploymentSettings,
  heardSince: (arn: ContainerInstanceArn) => Instant | undefined,
): readonly ObservedPlace[] {
  const definition = tables.taskDefinitions.get(primaryDeployment(service).taskDefinitionArn);
  if (definition === undefined) return [];
  const fleet = fleetBehindDaemons(tables, service.clusterArn);
  const request = placementOfService(tables, service, definition);
  const { capacityProvider: provider } = request;
  const room = roomFor(request, fleet);
  const failedAt = failedMoves(tables, service);
  return fleet
    .instances()
    .filter((instance) => instance.status === "ACTIVE" && instance.agentConnected)
    .filter((instance) => provider === undefined || isInHostGroup(instance, provider))
    .map((instance) => ({
      instance,
      room: room(instance),
      openFrom: Math.max(
        instance.connectivityChangedAt + settings.rebalanceAfterMs,
        // Recorded as connected, it may have been away, or be silent at this moment.
        (heardSince(instance.arn) ?? Number.POSITIVE_INFINITY) + settings.rebalanceAfterMs,
        (failedAt.get(instance.arn) ?? Number.NEGATIVE_INFINITY) + FAILED_MOVE_REST_MS,
      ),
    }));
}

/** When a task stopped last on an instance while it was still to take another's place. */
function failedMoves(tables: BerthView, { arn }: ServiceRecord): ReadonlyMap<ContainerInstanceArn, Instant> {
  const failedAt = new Map<ContainerInstanceArn, Instant>();
  for (const { move, containerInstanceArn: on, stoppedAt = 0 } of tables.tasks.where("serviceStopped", arn)) {
    if (move !== undefined && on !== undefined) failedAt.set(on, Math.max(stoppedAt, failedAt.get(on) ?? 0));
  }
  return failedAt;
}
