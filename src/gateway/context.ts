import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { BerthStore } from "../store/index.ts";
import type { GatewaySettings } from "./settings.ts";

/** What every part of the gateway may use. */
export interface GatewayContext {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: GatewaySettings;
}
