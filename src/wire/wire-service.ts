import type { ServiceModel } from "./model.ts";

/** What is known of one call beside its input. */
export interface WireCall<Principal> {
  readonly principal: Principal;
  readonly requestId: string;
  /** The caller's address, as the socket has it; empty once the caller is gone. */
  readonly sourceIp: string;
  /** The Host header: how the caller reached us. */
  readonly host: string;
  readonly userAgent: string;
  /** Whether the caller reached us over TLS. */
  readonly secure: boolean;
  /** Aborted when the caller hangs up before the answer. */
  readonly signal: AbortSignal;
}

/** A service that answers its model's operations. */
export interface WireService<Principal> {
  readonly model: ServiceModel;
  /** Whether there is a handler. Without one, `call` still decides what to answer. */
  has(operation: string): boolean;
  /**
   * @param input decoded and validated: the operation's SDK input type
   * @returns the operation's SDK output type, without $metadata
   * @throws AwsError for every refusal; anything else is a bug, answered as an internal failure
   */
  call(operation: string, input: unknown, call: WireCall<Principal>): Promise<unknown>;
}
