import { type ChildProcess, fork } from "node:child_process";
import type { Caller } from "./signed-http.ts";
import type { WebTasksCounts, WebTasksReply, WebTasksRequest } from "./web-tasks-process.ts";

/** Hosts of simulated agents, whose tasks are web servers, in a process of their own. */
export interface WebTaskHosts {
  counts(): Promise<WebTasksCounts>;
  close(): Promise<void>;
}

/** Opens so many hosts, at addresses of loopback, and resolves when they have joined. */
export async function openWebTaskHosts(
  { host, port, region, credentials }: Caller,
  hosts: number,
): Promise<WebTaskHosts> {
  const child = fork(new URL("./web-tasks-process.ts", import.meta.url));
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.send({ kind: "close" } satisfies WebTasksRequest);
    const limit = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(limit);
  };
  try {
    await ask(child, { kind: "open", endpoint: `http://${host}:${port}`, region, credentials, hosts });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    counts: async () => {
      const answer = await ask(child, { kind: "counts" });
      if (answer.kind !== "counts") throw new Error(`the tasks answered ${answer.kind}`);
      return answer;
    },
    close,
  };
}

/** Sends a request and resolves with the answer to it: they come in order. */
function ask(child: ChildProcess, request: WebTasksRequest): Promise<WebTasksReply> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the process of the tasks ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (reply: WebTasksReply) => {
      child.off("exit", ended);
      if (reply.kind === "failed") reject(new Error(reply.problem));
      else resolve(reply);
    });
    child.send(request);
  });
}
