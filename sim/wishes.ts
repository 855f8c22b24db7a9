import type { Chance } from "./chance.ts";

/** A circuit breaker, mostly on. */
export function breaker(chance: Chance): object {
  return { enable: chance.is(0.8), rollback: chance.is(0.7) };
}

/** A constraint by query. */
export function memberOf(chance: Chance): object {
  const expression = chance.pick([
    "attribute:rack == a",
    "attribute:rack != b",
    "attribute:ecs.availability-zone in [zone-a, zone-b]",
    "not(task:group == service:svc-1)",
    "attribute:rack exists or attribute:ecs.availability-zone == zone-a",
  ]);
  return { type: "memberOf", expression };
}

/** The limits of a deployment. */
export function limits(chance: Chance): object {
  return chance.pick([
    { minimumHealthyPercent: 100, maximumPercent: 200 },
    { minimumHealthyPercent: 50, maximumPercent: 200 },
    { minimumHealthyPercent: 50, maximumPercent: 100 },
    { minimumHealthyPercent: 0, maximumPercent: 100 },
    { minimumHealthyPercent: 67, maximumPercent: 134 },
    { minimumHealthyPercent: 100, maximumPercent: 150 },
  ]);
}

/** A deployment configuration. */
export function percents(chance: Chance): object {
  const chosen = limits(chance);
  return chance.is(0.4) ? { ...chosen, deploymentCircuitBreaker: breaker(chance) } : chosen;
}

/** Strategies and constraints of a new service. */
export function placement(chance: Chance): object {
  return chance.pick([
    {},
    {},
    { placementStrategy: [{ type: "binpack", field: "cpu" }] },
    {
      placementStrategy: [
        { type: "spread", field: "attribute:ecs.availability-zone" },
        { type: "binpack", field: "memory" },
      ],
    },
    { placementStrategy: [{ type: "random" }] },
    { placementConstraints: [{ type: "distinctInstance" }] },
    { placementConstraints: [memberOf(chance)] },
  ]);
}
