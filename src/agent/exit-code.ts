/** How the agent's process ends (agent protocol, 1.1). */
export const EXIT = {
  ok: 0,
  /** Something failed that a restart may mend. */
  failed: 1,
  /** The command line or the environment is wrong. */
  usage: 2,
  /** A restart would fail in the same way: a supervisor should not try. */
  terminal: 5,
} as const;

/** Ends the agent with a message and an exit code. */
export class AgentExit extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AgentExit";
    this.exitCode = exitCode;
  }
}
