import type { Clock } from "../../runtime/clock.ts";
import { commandLineOf, parentOf } from "./processes.ts";

/** What arrives within this time of a Ctrl-C is the same one: a terminal sends it to us and to npm, and npm passes it on. */
const SAME_PRESS_MS = 1_000;

/** How often the parent is looked for. */
const PARENT_POLL_MS = 250;

/** Thrown by what was under way when a person asked to stop. */
export class StopRequested extends Error {}

/** Tells impatience from an echo: 1 for the first Ctrl-C, 2 for the second that a person pressed, and so on; 0 for an echo. */
export function pressCounter(): (now: number) => number {
  let count = 0;
  let last = Number.NEGATIVE_INFINITY;
  return (now) => {
    const isEcho = now - last < SAME_PRESS_MS;
    last = now;
    if (isEcho) return 0;
    count++;
    return count;
  };
}

/**
 * A signal that is aborted (with StopRequested) by Ctrl-C, SIGTERM, a closed terminal, or the death of the npm that runs this. The next
 * Ctrl-C says that the removal goes on, the one after that leaves at once with exit code 130.
 */
export function stopRequest(clock: Clock, say: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort(new StopRequested("stopped before it was up"));
  const press = pressCounter();
  process.on("SIGINT", () => {
    const count = press(clock.monotonic());
    stop();
    if (count === 2) say("still removing; one more Ctrl-C leaves at once, and the next start removes the rest");
    if (count === 3) process.exit(130);
  });
  process.on("SIGTERM", stop);
  process.on("SIGHUP", stop);
  if (process.env.npm_lifecycle_event !== undefined) {
    // npm cannot pass on SIGKILL, and its shell does not pass on SIGTERM; without them nobody could press Ctrl-C any more.
    const before = npmAncestors();
    const watch = clock.every(PARENT_POLL_MS, () => {
      if (npmAncestors() === before) return;
      watch.cancel();
      stop();
    });
  }
  return controller.signal;
}

/** The ids of the processes from this one up to npm, as one text. */
function npmAncestors(): string {
  return ancestorsUpToNpm(process.ppid, commandLineOf, parentOf).join(" ");
}

/** Our parent, and on through npm's shell and the launcher that stands in for an older Node.js, to the first that is neither: npm. */
export function ancestorsUpToNpm(
  parent: number,
  commandLine: (pid: number) => string,
  parentOf: (pid: number) => number | undefined,
): readonly number[] {
  const pids = [parent];
  for (let pid = parent; /^\S*sh -c |\/berth start( |$)/.test(commandLine(pid)); ) {
    const next = parentOf(pid);
    if (next === undefined || next < 1 || pids.includes(next)) break;
    pids.push(next);
    pid = next;
  }
  return pids;
}

/** Resolves when the signal is aborted. Keeps the process alive until then. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const alive = new MessageChannel();
    alive.port1.onmessage = () => undefined;
    signal.addEventListener(
      "abort",
      () => {
        alive.port1.close();
        resolve();
      },
      { once: true },
    );
  });
}
