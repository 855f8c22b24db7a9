import type { IncomingMessage } from "node:http";
import { RuntimeError } from "../container-runtime.ts";
import { jsonLines } from "./json-lines.ts";

/**
 * Reads a pull's answer to its end. Docker says 200 before it has talked to the registry and puts a failure in the
 * stream, so only the end of it tells. Throws a RuntimeError with the registry's words.
 */
export async function readPull(stream: IncomingMessage, onProgress: () => void): Promise<void> {
  try {
    for await (const line of jsonLines(stream)) {
      const message = line as { error?: string; errorDetail?: { message?: string } };
      if (message.error) throw pullFailure(message.errorDetail?.message ?? message.error);
      onProgress();
    }
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("unreachable", "the pull broke off", { cause });
  }
}

/** Tells "there is no such image, or not for you" from trouble that may pass. */
export function pullFailure(message: string): RuntimeError {
  const final = /not found|manifest unknown|does not exist|access denied|unauthorized|no basic auth|invalid reference/i;
  return new RuntimeError(final.test(message) ? "not-found" : "failed", `Error response from daemon: ${message}`);
}

/** Name and tag of an image reference as the pull call takes them; without a tag or digest, "latest". */
export function pullQuery(reference: string): { readonly fromImage: string; readonly tag?: string } {
  if (reference.includes("@")) return { fromImage: reference };
  const colon = reference.lastIndexOf(":");
  if (colon > reference.lastIndexOf("/")) {
    return { fromImage: reference.slice(0, colon), tag: reference.slice(colon + 1) };
  }
  return { fromImage: reference, tag: "latest" };
}
