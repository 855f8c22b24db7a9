/** A promise that was not kept. */
export interface Breach {
  readonly promise: string;
  readonly what: string;
}

/** What the oracle must know beside the records. */
export interface Truth {
  /** For how long the control plane had listened to the instance's agent in vain at that time of its clock, in milliseconds. */
  silentMs(instanceArn: string, at: number): number;
  /** Whether a call is under way that may change what is wished of a service. */
  isWishing(): boolean;
  broken(promise: string, what: string): void;
}
