import type { DeploymentSettings } from "../deployment/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { BerthStore } from "../store/index.ts";
import type { ContainerInstanceArn } from "../wire/arn.ts";
import type { RetentionSettings } from "./retention-settings.ts";

/** What every controller may use. */
export interface ControllerContext {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How services behave; ECS's values if left out. */
  readonly deployment?: DeploymentSettings;
  /** How long what is over stays describable; the defaults if left out. */
  readonly retention?: RetentionSettings;
  /** What is heard of hosts; without it none counts as silent. */
  readonly agents?: AgentsHeard;
}

/** What is known of agents' sessions. */
export interface AgentsHeard {
  /** The monotonic time since which it is heard without a gap of more than 3 s; undefined if it is silent now. */
  heardSince(arn: ContainerInstanceArn): number | undefined;
}
