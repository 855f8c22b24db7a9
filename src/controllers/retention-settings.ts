/** What an operator may choose of how long things stay describable. */
export interface RetentionSettings {
  /** How long stopped tasks do, in milliseconds: an hour or more. */
  readonly stoppedTaskMs: number;
  /** How many stopped tasks a cluster keeps beyond an hour, the newest ones. A service keeps a tenth of it at most. */
  readonly stoppedTaskLimit: number;
}

export const DEFAULT_RETENTION_SETTINGS: RetentionSettings = {
  stoppedTaskMs: 30 * 24 * 60 * 60 * 1000,
  stoppedTaskLimit: 10_000,
};
