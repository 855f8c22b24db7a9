import { spawn } from "node:child_process";
import { HostError } from "./host-error.ts";

/** What a program that ended with 0 wrote to standard output. */
export type Output = string;

/** Runs a program to its end. Throws HostError with its complaint when it fails or is not there. */
export async function run(program: string, args: readonly string[], input = ""): Promise<Output> {
  const result = await attempt(program, args, input);
  if (result.ok) return result.output;
  throw new HostError(`${program} ${args.join(" ")}: ${result.complaint}`);
}

/** How a program ended: with what it wrote, or with what it complained of. */
export type Attempt =
  | { readonly ok: true; readonly output: Output }
  | { readonly ok: false; readonly complaint: string };

/** Runs a program whose failure is an answer. Throws only when there is no such program. */
export async function attempt(program: string, args: readonly string[], input = ""): Promise<Attempt> {
  const child = spawn(program, [...args], { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  child.stdin.on("error", () => {}); // the program may end without reading its input
  child.stdin.end(input);
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once("error", (error) => reject(new HostError(`cannot run ${program}: ${error.message}`, { cause: error })));
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  if (code === 0) return { ok: true, output };
  return { ok: false, complaint: complaint.trim() === "" ? `ended with ${code}` : complaint.trim() };
}
