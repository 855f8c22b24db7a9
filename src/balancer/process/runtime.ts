import { connect } from "node:net";
import type { Clock } from "../../runtime/clock.ts";

/** Where one of HAProxy's command sockets is. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** Commands sent over one connection. HAProxy works them off one by one; more would only hold up the next look at it. */
const BATCH = 400;

/** Silence after which HAProxy is given up on. It answers within milliseconds unless it hangs. */
const ANSWER_TIMEOUT_MS = 5000;

/** The most that one answer may hold: `show stat` is about 500 bytes for a server. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** HAProxy could not be asked: nobody listens, or the answer broke off. */
export class RuntimeUnreachable extends Error {
  /** Somebody listens but does not answer: it may be overloaded, or hang. */
  readonly silent: boolean;
  constructor(message: string, silent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = "RuntimeUnreachable";
    this.silent = silent;
  }
}

/** Sends `input` and resolves with all that comes back until the other side closes. Throws RuntimeUnreachable. */
function exchange(endpoint: Endpoint, input: string, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (why: string, silent: boolean, cause?: unknown) => {
      timer.cancel();
      socket.destroy();
      reject(new RuntimeUnreachable(`HAProxy at ${JSON.stringify(endpoint)}: ${why}`, silent, { cause }));
    };
    const timer = clock.after(ANSWER_TIMEOUT_MS, () => fail(`no answer within ${ANSWER_TIMEOUT_MS} ms`, true));
    socket.on("connect", () => socket.end(input)); // the master answers, then waits for the other end to close
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) return fail(`an answer of more than ${MAX_ANSWER_BYTES} bytes`, false);
      chunks.push(Buffer.from(chunk));
    });
    socket.on("error", (error) => fail(error.message, false, error));
    socket.on("close", () => {
      timer.cancel();
      resolve(Buffer.concat(chunks).toString("utf8"));
    });
  });
}

/** A command, or one with a payload. */
export type RuntimeCommand = string | { readonly text: string; readonly payload?: string };

/** A command as it is typed. Throws on what would be more than one: the payload ends at its first blank line. */
function inputOf(command: RuntimeCommand): string {
  const { text, payload } = typeof command === "string" ? { text: command } : command;
  if (/[\r\n;]/.test(text)) throw new Error(`not one command: ${JSON.stringify(text)}`);
  if (payload === undefined) return `${text}\n`;
  if (/\n\s*\n|^\s*\n|\r/.test(payload)) throw new Error(`the payload of ${JSON.stringify(text)} has a blank line`);
  return `${text} <<\n${payload}\n\n`;
}

/** The answers in what an interactive session printed: each stands before a prompt, `> ` on a line of its own. */
export function splitAnswers(output: string): string[] {
  // Before the first prompt stands the answer to `prompt` itself, after the last the one to `quit`.
  return output
    .split("\n> ")
    .slice(1, -1)
    .map((answer) => answer.replace(/^(\+ )+/, "").trim()); // each line of a payload was prompted for
}

/**
 * Runs commands on a worker, in order, and resolves with one answer each, blanks trimmed. HAProxy has no status codes: an
 * answer is judged by its text. Throws RuntimeUnreachable if not all were answered; some may have been carried out.
 */
export async function runCommands(
  endpoint: Endpoint,
  commands: readonly RuntimeCommand[],
  clock: Clock,
): Promise<string[]> {
  const answers: string[] = [];
  for (let from = 0; from < commands.length; from += BATCH) {
    const batch = commands.slice(from, from + BATCH);
    const input = batch.map(inputOf).join("");
    const output = await exchange(endpoint, `prompt\n${input}quit\n`, clock);
    const some = splitAnswers(output);
    if (some.length < batch.length)
      throw new RuntimeUnreachable(`HAProxy answered ${some.length} of ${batch.length} commands`, false);
    answers.push(...some.slice(0, batch.length));
  }
  return answers;
}

/** Runs one command on the master process. Throws RuntimeUnreachable. */
export async function runMasterCommand(endpoint: Endpoint, command: string, clock: Clock): Promise<string> {
  if (/[\r\n;]/.test(command)) throw new Error(`not one command: ${JSON.stringify(command)}`);
  return (await exchange(endpoint, `${command}\n`, clock)).trim();
}
