import { spawn } from "node:child_process";
import type { Clock } from "../runtime/clock.ts";

/** How long the program may take. It may wait until the record is seen everywhere. */
const TIME_LIMIT_MS = 300_000;
/** What it writes to its standard error is kept up to here. */
const MAX_COMPLAINT_BYTES = 2048;

/** The program could not be run, failed, or took too long; the message has its last words. */
export class DnsHookError extends Error {}

/** Sets and removes TXT records, each of which may stand beside others of the same name. Both may be told twice. */
export interface DnsHook {
  /** Resolves when the record can be seen. Throws DnsHookError, or the signal's reason. */
  run(action: "present" | "cleanup", name: string, value: string, signal: AbortSignal): Promise<void>;
}

/** The operator's program, called as `PROGRAM present|cleanup NAME VALUE`, without a shell; exit code 0 is success. */
export function dnsHookProgram(program: string, clock: Pick<Clock, "after">): DnsHook {
  return {
    run: (action, name, value, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        // A group of its own, so that what it started ends with it.
        const child = spawn(program, [action, name, value], { detached: true, stdio: ["ignore", "ignore", "pipe"] });
        let complaint = "";
        let tooLate = false;
        const end = () => {
          if (child.pid === undefined) return;
          try {
            process.kill(-child.pid, "SIGKILL");
          } catch {
            // it has ended by itself
          }
        };
        const timer = clock.after(TIME_LIMIT_MS, () => {
          tooLate = true;
          end();
        });
        signal.addEventListener("abort", end);
        const done = (error?: Error) => {
          timer.cancel();
          signal.removeEventListener("abort", end);
          if (signal.aborted) return reject(signal.reason);
          if (error === undefined) return resolve();
          reject(error);
        };
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
          complaint = (complaint + text).slice(-MAX_COMPLAINT_BYTES);
        });
        child.on("error", (error) => done(new DnsHookError(`${program} could not be run: ${error.message}`)));
        child.on("close", (code, killedBy) => {
          if (code === 0) return done();
          const how = tooLate ? `took more than ${TIME_LIMIT_MS / 1000} s` : `ended with ${killedBy ?? `code ${code}`}`;
          const said = complaint.trim() === "" ? "" : `: ${complaint.trim()}`;
          done(new DnsHookError(`${program} ${action} ${name} ${how}${said}`));
        });
      }),
  };
}
