/** Between two looks at HAProxy. A change of health is reported within this and the time a look takes. */
const LOOK_EVERY_MS = 200;

/** The same while a target is new or drains: somebody waits for it. */
const LOOK_CLOSELY_EVERY_MS = 50;

/** The pause is at least this many times as long as the look before it: with thousands of targets, looks become rarer. */
const PAUSE_PER_LOOK = 2;

/** How long the next look at HAProxy waits after one that took `lookMs`. `close`: somebody waits for what it will show. */
export const lookPauseMs = (close: boolean, lookMs: number): number =>
  Math.max(close ? LOOK_CLOSELY_EVERY_MS : LOOK_EVERY_MS, lookMs * PAUSE_PER_LOOK);

/** Retired workers that are no reason to wait. HAProxy ends the oldest at its limit (configuration.ts), whatever it still carries. */
const FREE = 8;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * How long a reload waits after the one before while so many retired workers are still there. Changes that follow one another fast are
 * gathered: however many come, twenty reloads take more than a minute, so no request below that is cut; and none waits longer than
 * ten seconds, however long clients hold on to their connections.
 */
export const reloadPauseMs = (retired: number): number =>
  retired < FREE ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (retired - FREE));
