import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Random } from "../../runtime/random.ts";
import { createSealer, type Sealer } from "../../runtime/sealer.ts";
import type { BalancerState } from "../state.ts";
import { certificateContext } from "./session-key.ts";

/** How long changes gather before the state is written. */
const GATHER_MS = 500;

/** The form of the file: a later one gets another number, and what is of another form is not read. */
const FORM = 1;

/** What a host keeps on disk: who it is, and what it was last told to carry. Readable by its owner alone. */
export interface KeptState {
  /** The same for all sessions of this host: 32 hex digits. */
  readonly identity: string;
  /** What was kept; undefined if nothing was, or it cannot be read any more. */
  load(): BalancerState | undefined;
  /** Keeps `state`, soon. */
  keep(state: BalancerState): void;
  /** Writes what is to be kept and is not yet. */
  flush(): Promise<void>;
}

/** Keeps it in `dir`, which is made if it is not there. Throws if the directory cannot be used. */
export function openKeptState(
  dir: string,
  { clock, random, log }: { readonly clock: Clock; readonly random: Random; readonly log: Log },
): KeptState {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, "state.json");
  const sealer = createSealer(secret(join(dir, "sealing-key"), random.hex(32)), random);
  let waiting: BalancerState | undefined;
  let timer: Timer | undefined;
  let writing: Promise<void> | undefined;
  const write = async (): Promise<void> => {
    while (waiting !== undefined) {
      const state = waiting;
      waiting = undefined;
      await replace(file, JSON.stringify({ form: FORM, state: withKeys(state, sealer.seal) })).catch((error: Error) =>
        log.error({ error: error.message, file }, "what is carried could not be kept on disk"),
      );
    }
    writing = undefined;
  };
  const flush = async (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    writing ??= write();
    await writing;
  };
  return {
    identity: secret(join(dir, "identity"), random.hex(16)),
    load: () => {
      if (!existsSync(file)) return undefined;
      try {
        return read(readFileSync(file, "utf8"), sealer);
      } catch (error) {
        log.error({ error: (error as Error).message, file }, "what was carried cannot be read; it is not carried");
        return undefined;
      }
    },
    keep: (state) => {
      waiting = state;
      timer ??= clock.after(GATHER_MS, () => void flush());
    },
    flush,
  };
}

/** A secret that is made once and kept in a file, readable by its owner alone. */
function secret(file: string, fresh: string): string {
  if (!existsSync(file)) writeFileSync(file, fresh, { mode: 0o600, flag: "wx" });
  return readFileSync(file, "utf8");
}

function read(text: string, sealer: Sealer): BalancerState {
  const { form, state } = JSON.parse(text) as { readonly form: unknown; readonly state: BalancerState };
  if (form !== FORM) throw new Error("it was written by another release");
  return withKeys(state, sealer.open);
}

/** The state with every private key sealed or opened. */
function withKeys(state: BalancerState, turn: (text: string, context: string) => string): BalancerState {
  return {
    ...state,
    certificates: (state.certificates ?? []).map((one) => ({
      ...one,
      privateKey: turn(one.privateKey, certificateContext(one.id)),
    })),
  };
}

/** A reader, and a machine that loses power, sees the old content or the new. */
async function replace(file: string, content: string): Promise<void> {
  const next = await open(`${file}.next`, "w", 0o600);
  try {
    await next.writeFile(content);
    await next.sync();
  } finally {
    await next.close();
  }
  await rename(`${file}.next`, file);
}
