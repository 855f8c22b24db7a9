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
