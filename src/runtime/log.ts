import { pino } from "pino";

/** What code may say to the operator. Never give it a secret. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** The same log with `fields` on every line. */
  child(fields: object): Log;
}

/** One JSON line per message on standard error. `level` is one of debug, info, warn, error, silent. */
export function processLog(name: string, level: string): Log {
  return pino({ name, level, base: undefined }, pino.destination({ dest: 2, sync: true }));
}

/** Says nothing; for tests. */
export function silentLog(): Log {
  return pino({ level: "silent" });
}
