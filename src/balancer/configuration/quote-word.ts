/** The characters of which HAProxy's quoting makes something else, and how they are written. */
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * `text` as one word of a configuration line. Line breaks and tabs are written as escapes. Throws on other control characters,
 * which no quoting can carry.
 */
export function quoteWord(text: string): string {
  const escaped = text.replace(/[\\"$]/g, "\\$&").replace(/[\n\r\t]/g, (char) => ESCAPES[char] ?? char);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(escaped)) throw new Error("a control character cannot stand in a HAProxy configuration");
  return `"${escaped}"`;
}
