/** How sessions behave. Times in milliseconds. */
export interface GatewaySettings {
  /** Between RFC 6455 pings on an ACS session. Each has its place in a round of a second (`round.ts`). */
  readonly pingMs: number;
  /** Between HeartbeatMessages, on both kinds of session. An agent gives a session up after 60 s without any. */
  readonly heartbeatMs: number;
  /** Pings without an answer before an ACS session is dropped: a cut network that heals sooner keeps it. */
  readonly maxUnansweredPings: number;
  /** Bytes that wait to be sent to one agent; a session with more is dropped and begins again when the agent can read. */
  readonly maxBufferedBytes: number;
  /** Payloads that one agent has not acknowledged; no more are sent until it acknowledges one. */
  readonly maxUnacknowledged: number;
  /**
   * How long acknowledgements gather until they are recorded. Most tasks have been reported RUNNING by then, which says the
   * same; one that is not recorded yet when a connection ends is sent again, and its agent knows it already.
   */
  readonly deliveredMs: number;
  /** How long the agent of a deregistered instance has to learn what to stop before its session is closed. */
  readonly retireMs: number;
}

export const DEFAULT_GATEWAY_SETTINGS: GatewaySettings = {
  pingMs: 2_000,
  heartbeatMs: 25_000,
  maxUnansweredPings: 30,
  maxBufferedBytes: 8 * 1024 * 1024,
  maxUnacknowledged: 64,
  deliveredMs: 1_000,
  retireMs: 10_000,
};

/** Tasks in one payload: ECS's limit for one RunTask call. */
export const MAX_TASKS_PER_PAYLOAD = 10;

/** Sequence numbers that a session takes from its instance's record at a time, so that a message costs no transaction. */
export const SEQUENCE_BLOCK = 1_000;
