import { MAX_SERVICE_EVENTS, type ServiceRecord } from "../model/service.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Random } from "../runtime/random.ts";
import type { BerthTransaction } from "../store/index.ts";

/** The same message is not repeated within this time. Source: ECS developer guide, service event messages. */
export const EVENT_REPEAT_MS = 6 * 60 * 60 * 1000;

/** An event that says so ends what was told before: the same trouble after it is told again. */
const ALL_IS_WELL = "has reached a steady state.";

/**
 * Adds a line to a service's history and forgets the oldest beyond a hundred. A message equal to the newest one is
 * left out within six hours; with `once`, so is one that was told at all since the service was last steady. `more` is a sentence
 * that goes after the message and does not make it another one: what changes from look to look is not told each time.
 * Returns the service with its next event number; the caller goes on with that.
 */
export function addServiceEvent(
  tx: BerthTransaction,
  service: ServiceRecord,
  message: string,
  at: {
    readonly now: Instant;
    readonly random: Random;
    readonly once?: boolean;
    readonly more?: () => string | undefined;
  },
): ServiceRecord {
  const events = tx.serviceEvents.where("service", service.arn);
  const recent = events.filter((e) => at.now - e.createdAt < EVENT_REPEAT_MS);
  const isSame = (e: { readonly message: string }) =>
    e.message === message || (at.more !== undefined && e.message.startsWith(`${message} `));
  const since = at.once === true ? recent.findLastIndex((e) => e.message.endsWith(ALL_IS_WELL)) + 1 : recent.length - 1;
  if (recent.slice(Math.max(0, since)).some(isSame)) return service;
  const more = at.more?.();
  const sequence = service.eventSequence + 1;
  tx.serviceEvents.put({
    serviceArn: service.arn,
    sequence,
    id: at.random.uuid(),
    createdAt: at.now,
    message: more === undefined ? message : `${message} ${more}`,
  });
  for (const old of events.slice(0, Math.max(0, events.length + 1 - MAX_SERVICE_EVENTS))) {
    tx.serviceEvents.delete(`${old.serviceArn}|${String(old.sequence).padStart(12, "0")}`);
  }
  return tx.services.put({ ...service, eventSequence: sequence });
}
