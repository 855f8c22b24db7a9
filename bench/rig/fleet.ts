import { type ChildProcess, fork } from "node:child_process";
import type { FleetReply, FleetRequest } from "./fleet-process.ts";
import type { Caller } from "./signed-http.ts";

export interface FleetUsage {
  readonly cpuSeconds: number;
  readonly rssMiB: number;
  /** Agents without both of their sessions. */
  readonly lost: number;
}

/** Simulated agents in processes of their own. */
export interface Fleet {
  /** Told whenever so many more tasks are RUNNING. */
  onRunning: (count: number) => void;
  /** The first thing that went wrong. */
  readonly failed: Promise<never>;
  usage(): Promise<FleetUsage>;
  close(): Promise<void>;
}

/** Opens `agents` agents in `processes` processes, each task being RUNNING `startMs` after its payload. */
export async function openFleet(
  caller: Caller,
  { agents, processes, startMs }: { readonly agents: number; readonly processes: number; readonly startMs: number },
): Promise<Fleet> {
  const file = new URL("./fleet-process.ts", import.meta.url);
  const children = Array.from({ length: processes }, () =>
    fork(file, { execArgv: ["--max-semi-space-size=32", "--v8-pool-size=1"] }),
  );
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  const fleet: Fleet = {
    onRunning: () => undefined,
    failed,
    usage: async () => {
      const each = await Promise.all(
        children.map((child) => ask(child, { kind: "usage" }, "usage") as Promise<FleetUsage>),
      );
      const sum = (of: (usage: FleetUsage) => number) => each.reduce((total, usage) => total + of(usage), 0);
      return { cpuSeconds: sum((u) => u.cpuSeconds), rssMiB: sum((u) => u.rssMiB), lost: sum((u) => u.lost) };
    },
    close: async () => {
      await Promise.all(
        children.map(async (child) => {
          if (child.exitCode !== null || child.signalCode !== null) return;
          const gone = new Promise((resolve) => child.once("exit", resolve));
          child.send({ kind: "close" } satisfies FleetRequest);
          const limit = setTimeout(() => child.kill("SIGKILL"), 5_000);
          await gone;
          clearTimeout(limit);
        }),
      );
    },
  };
  for (const child of children) {
    child.on("message", (reply: FleetReply) => {
      if (reply.kind === "running") fleet.onRunning(reply.count);
      else if (reply.kind === "failed") reject(new Error(reply.problem));
    });
    child.once("exit", (code) => reject(new Error(`a process of agents ended with ${code}`)));
  }
  const share = Math.ceil(agents / processes);
  const opened = children.map((child, i) => {
    const first = i * share;
    const count = Math.max(0, Math.min(share, agents - first));
    return ask(child, { kind: "open", caller, first: first + 1, count, startMs }, "opened");
  });
  try {
    await Promise.race([Promise.all(opened), failed]);
  } catch (error) {
    await fleet.close();
    throw error;
  }
  return fleet;
}

function ask(child: ChildProcess, request: FleetRequest, answer: FleetReply["kind"]): Promise<unknown> {
  return new Promise((resolve) => {
    const listen = (reply: FleetReply) => {
      if (reply.kind !== answer) return;
      child.off("message", listen);
      resolve(reply);
    };
    child.on("message", listen);
    child.send(request);
  });
}
