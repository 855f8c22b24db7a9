import type { IncomingMessage } from "node:http";
import { RuntimeError } from "../container-runtime.ts";

/** Longest line accepted from the daemon. */
const MAX_LINE_BYTES = 1024 * 1024;

/** The JSON values of a stream that holds one per line. A line that is not JSON ends it with an error. */
export async function* jsonLines(stream: IncomingMessage): AsyncGenerator<unknown> {
  let rest = "";
  stream.setEncoding("utf8");
  for await (const chunk of stream as AsyncIterable<string>) {
    rest += chunk;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end).trim();
      rest = rest.slice(end + 1);
      if (line) yield parseLine(line);
    }
    if (rest.length > MAX_LINE_BYTES)
      throw new RuntimeError("failed", "a line of the Docker daemon's stream is too long");
  }
  if (rest.trim()) yield parseLine(rest);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new RuntimeError("failed", "the Docker daemon's stream holds a line that is not JSON", { cause });
  }
}
