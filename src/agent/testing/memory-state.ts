import type { TaskRecord } from "../engine/task-record.ts";
import type { AgentIdentity, AgentState } from "../state/agent-state.ts";

/** State in memory, for tests. What was flushed outlives the agent; what was not is lost, as in a crash. */
export interface MemoryState extends AgentState {
  /** A state as it would be found after a kill at this moment. */
  afterCrash(): MemoryState;
}

export function memoryState(durable: ReadonlyMap<string, string> = new Map()): MemoryState {
  let saved = new Map(durable);
  const live = new Map<string, () => unknown>();
  for (const [key, text] of saved) live.set(key, () => JSON.parse(text));
  const tasks = new Map<string, TaskRecord>();
  let identity = JSON.parse(saved.get("identity") ?? "{}") as AgentIdentity;
  return {
    identity: () => identity,
    setIdentity: (change) => {
      identity = { ...identity, ...change };
      live.set("identity", () => identity);
    },
    loadTasks: () =>
      [...saved].filter(([key]) => key.startsWith("task/")).map(([, text]) => JSON.parse(text) as TaskRecord),
    saveTask: (task) => {
      tasks.set(task.arn, task);
      live.set(`task/${task.arn}`, () => task);
    },
    deleteTask: (arn) => void live.delete(`task/${arn}`),
    pulledImages: {
      has: (reference) => live.has(`pulled/${reference}`),
      add: (reference) => void live.set(`pulled/${reference}`, () => true),
    },
    flush: async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
      saved = new Map([...live].map(([key, value]) => [key, JSON.stringify(value())]));
    },
    close: async () => undefined,
    afterCrash: () => memoryState(saved),
  };
}
