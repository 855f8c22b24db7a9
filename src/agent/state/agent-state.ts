import type { TaskRecord } from "../engine/task-record.ts";

/** What an agent must know again after a restart, besides its tasks. */
export interface AgentIdentity {
  /** "i-" and 17 hex digits, made once. */
  readonly instanceId?: string;
  /** From the first registration. */
  readonly containerInstanceArn?: string;
  /** As configured then; an agent does not move between clusters. */
  readonly cluster?: string;
  readonly availabilityZone?: string;
  /** The highest sequence number seen in a task manifest or payload. */
  readonly latestSeqNum?: number;
}

/** The agent's durable state. Changes become durable in the background, in order; `flush` waits for them. */
export interface AgentState {
  identity(): AgentIdentity;
  setIdentity(change: Partial<AgentIdentity>): void;
  /** The tasks that were saved. The records are the caller's to change; each change is told with `saveTask`. */
  loadTasks(): TaskRecord[];
  saveTask(task: TaskRecord): void;
  deleteTask(arn: string): void;
  /** Image references pulled successfully at some time. */
  readonly pulledImages: { has(reference: string): boolean; add(reference: string): void };
  /** Resolves when every change made before is durable; rejects if it could not be written. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** The saved state cannot be trusted. The message says what is damaged and where. */
export class StateDamagedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StateDamagedError";
  }
}
