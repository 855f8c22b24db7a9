import type { ContainerRecord } from "../model/task.ts";

/** Exit codes that a shell, a runtime or a signal gives a meaning. Source: POSIX shell; 128 + n is signal n. */
const MEANINGS: Readonly<Record<number, string>> = {
  0: "without an error",
  125: "the container could not be run",
  126: "its command cannot be executed",
  127: "its command was not found",
  130: "it was interrupted, SIGINT",
  134: "it aborted, SIGABRT",
  137: "it was killed, SIGKILL",
  139: "it crashed, SIGSEGV",
  143: "it was told to end, SIGTERM",
};

export type Ended = Pick<ContainerRecord, "name" | "exitCode" | "reason" | "memoryMiB">;

/** How a container that is STOPPED ended, after its name: `exited with code 1`. */
export function endOf({ exitCode, reason, memoryMiB }: Ended): string {
  if (isOutOfMemory(reason)) {
    const limit = memoryMiB === undefined ? "the memory limit" : `its memory limit of ${memoryMiB} MiB`;
    return `was killed for using more than ${limit}`;
  }
  if (exitCode === undefined) return reason === undefined ? "never started" : "could not be started";
  const meaning = MEANINGS[exitCode] ?? (exitCode > 128 && exitCode < 160 ? `signal ${exitCode - 128}` : undefined);
  return `exited with code ${exitCode}${meaning === undefined ? "" : ` (${meaning})`}`;
}

export function isOutOfMemory(reason: string | undefined): boolean {
  return reason?.startsWith("OutOfMemoryError") === true;
}

/** The container that brought its task down, as far as the codes tell: others were only stopped after it. */
export function culprit<T extends Ended & { readonly essential: boolean }>(containers: readonly T[]): T | undefined {
  const rank = ({ essential, exitCode, reason }: T) => {
    if (!essential) return 4;
    if (reason !== undefined && reason !== "") return 0;
    if (exitCode === undefined) return 4;
    if (exitCode === 137 || exitCode === 143) return 2;
    return exitCode === 0 ? 3 : 1;
  };
  return containers.toSorted((a, b) => rank(a) - rank(b)).find((c) => rank(c) < 4);
}
