/** One request to a listener with an access log, and what became of it. Plain JSON. */
export interface AccessRecord {
  readonly listenerId: string;
  /** The group that was to answer it, and the target that did; absent where there was none. */
  readonly targetGroupId?: string;
  readonly targetId?: string;
  /** Where the target was reached, `address:port`. */
  readonly targetAddress?: string;
  /** Names the rule that decided (ruleKeyOf); absent where none did. */
  readonly ruleKey?: string;
  /** When its headers had come, in milliseconds since the Unix epoch; absent for what could not be read. */
  readonly at?: number;
  /** Milliseconds; -1 for what did not happen. From the first byte of the request until its headers had come. */
  readonly receiveMs: number;
  /** In a queue, and to connect to the target. */
  readonly queueMs: number;
  readonly connectMs: number;
  /** From the end of the request to the headers of the target's answer. */
  readonly targetMs: number;
  /** From the first byte of the request to the last of the answer. */
  readonly totalMs: number;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** `address:port`. */
  readonly client: string;
  /** Empty where the request could not be read. The URI is as the client wrote it, its first 2048 bytes. */
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  /** Empty without that header. */
  readonly host: string;
  readonly userAgent: string;
  readonly traceId: string;
  /** Where a redirect leads; empty for other answers. */
  readonly location: string;
  /** Empty without TLS. */
  readonly tlsVersion: string;
  readonly tlsCipher: string;
  readonly serverName: string;
}
