import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { type LogLine, type LogRange, RuntimeError } from "../container-runtime.ts";
import { expectShape } from "./answers.ts";
import type { DockerHttp } from "./http.ts";
import { multiplexedLines, terminalLines } from "./log-stream.ts";

const OPEN_MS = 30_000;

const inspected = v.object({
  Config: v.object({ Tty: v.nullish(v.boolean()) }),
  HostConfig: v.object({ LogConfig: v.nullish(v.object({ Type: v.nullish(v.string()) })) }),
});

/** The container's log from Docker's logs API, oldest line first. See ContainerRuntime.logLines. */
export async function* dockerLogLines(
  http: DockerHttp,
  prefix: string,
  id: string,
  range: LogRange,
): AsyncGenerator<LogLine> {
  const { signal } = range;
  const path = `${prefix}/containers/${encodeURIComponent(id)}`;
  const answer = await http.json({ method: "GET", path: `${path}/json`, timeoutMs: OPEN_MS, signal });
  const container = expectShape(inspected, answer, "inspect container");
  const query = new URLSearchParams({ stdout: "1", stderr: "1", timestamps: "1", tail: String(range.tail ?? "all") });
  if (range.sinceMs !== undefined) query.set("since", seconds(range.sinceMs));
  let stream: IncomingMessage;
  try {
    stream = await http.stream({ method: "GET", path: `${path}/logs?${query}`, timeoutMs: OPEN_MS, signal });
  } catch (error) {
    if (!(error instanceof RuntimeError) || !/does not support reading/.test(error.message)) throw error;
    const driver = container.HostConfig.LogConfig?.Type ?? "unknown";
    throw new RuntimeError("unreadable", `its log driver "${driver}" keeps nothing that can be read`, { cause: error });
  }
  try {
    yield* container.Config.Tty ? terminalLines(stream) : multiplexedLines(stream);
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("unreachable", "the Docker daemon's log stream broke off", { cause });
  } finally {
    stream.destroy();
  }
}

/** Docker's `since` is "seconds.nanoseconds". */
function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}000000`;
}
