import type { Clock } from "../../runtime/clock.ts";
import type { ContainerEvent, WatchHandlers } from "../container-runtime.ts";
import type { DockerHttp } from "./http.ts";
import { jsonLines } from "./json-lines.ts";

/** Between attempts to reach a lost daemon. Short: a daemon restart takes about half a second. */
const RETRY_MS = 250;
/** A daemon that is up but mute is asked again after so long. Events may be hours apart, so only opening is limited. */
const OPEN_TIMEOUT_MS = 10_000;

const ACTIONS: Readonly<Record<string, ContainerEvent["action"]>> = {
  create: "create",
  start: "start",
  die: "die",
  oom: "oom",
  destroy: "destroy",
};

/**
 * Follows the daemon's events for containers with `label`, reconnecting until stopped. After a loss it asks for events
 * since the last one it saw, so an event may come twice but none of a living daemon's is missed.
 */
export function watchDocker(
  http: DockerHttp,
  prefix: () => Promise<string>,
  clock: Clock,
  label: string,
  handlers: WatchHandlers,
): () => void {
  const stop = new AbortController();
  let sinceNanos: string | undefined;
  let lossTold = false;

  async function follow(): Promise<void> {
    const query = new URLSearchParams({ filters: JSON.stringify({ type: ["container"], label: [label] }) });
    if (sinceNanos) query.set("since", sinceNanos);
    const path = `${await prefix()}/events?${query}`;
    const stream = await http.stream({ method: "GET", path, timeoutMs: OPEN_TIMEOUT_MS, signal: stop.signal });
    stream.socket.setTimeout(0);
    lossTold = false;
    handlers.onConnected();
    for await (const line of jsonLines(stream)) {
      const event = line as { Action?: string; Actor?: { ID?: string }; timeNano?: number };
      if (event.timeNano) sinceNanos = secondsWithNanos(event.timeNano);
      const action = event.Action?.startsWith("health_status") ? "health" : ACTIONS[event.Action ?? ""];
      if (action && event.Actor?.ID) handlers.onEvent({ id: event.Actor.ID, action });
    }
    throw new Error("the Docker daemon closed its event stream");
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (stop.signal.aborted) return;
        if (!lossTold) handlers.onLost(error instanceof Error ? error : new Error(String(error)));
        lossTold = true;
        await clock.sleep(RETRY_MS, stop.signal).catch(() => undefined);
      }
    }
  }

  void run();
  return () => stop.abort();
}

/** Docker's `since` is "seconds.nanoseconds". A double holds the nanoseconds to about 250 ns: rounded down to a microsecond. */
function secondsWithNanos(nanos: number): string {
  const micros = Math.floor(nanos / 1000);
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}000`;
}
