import type { HeaderSettings, ListenerState } from "../state.ts";
import { quoteWord } from "./quote-word.ts";

/** ELB's defaults. */
export const DEFAULT_HEADERS: HeaderSettings = {
  forwardedFor: "append",
  forwardedPort: false,
  dropInvalid: false,
  tlsFacts: false,
  answers: {},
  hideServer: false,
};

/** What is wrong with settings. */
export function* headerProblems(settings: HeaderSettings): Generator<string> {
  for (const [name, value] of Object.entries(settings.answers))
    if (!/^[A-Za-z0-9-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value))
      yield `${JSON.stringify(name)}: ${JSON.stringify(value)} is not a header of printable ASCII`;
}

/** A literal in a log format, where `%` would begin a variable. */
const literal = (text: string) => quoteWord(text.replaceAll("%", "%%"));

/** The lines of an HTTP frontend. They come before its rules: what a rule answers by itself needs none of them. */
export function headerLines({ port, tls, headers = DEFAULT_HEADERS }: ListenerState): string[] {
  const lines: string[] = [];
  if (headers.dropInvalid) lines.push(`  http-request del-header "[^-A-Za-z0-9]" -m reg`);
  if (headers.forwardedFor === "remove") lines.push("  http-request del-header X-Forwarded-For");
  if (headers.forwardedFor === "append")
    lines.push(
      headers.forwardedPort ? `  http-request add-header X-Forwarded-For "%[src]:%[src_port]"` : "  option forwardfor",
    );
  lines.push(
    `  http-request set-header X-Forwarded-Proto ${tls === undefined ? "http" : "https"}`,
    `  http-request set-header X-Forwarded-Port ${port}`,
  );
  if (headers.tlsFacts && tls !== undefined)
    lines.push(
      "  http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]",
      "  http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]",
    );
  for (const [name, value] of Object.entries(headers.answers))
    if (value !== "") lines.push(`  http-response set-header ${name} ${literal(value)}`);
  if (headers.hideServer) lines.push("  http-response del-header Server");
  return lines;
}
