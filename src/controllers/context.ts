import type { DeploymentSettings } from "../deployment/index.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { BerthStore } from "../store/index.ts";

/** What every controller may use. */
export interface ControllerContext {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How services behave; ECS's values if left out. */
  readonly deployment?: DeploymentSettings;
}
