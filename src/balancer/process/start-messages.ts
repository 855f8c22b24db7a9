/** The binds that failed, as HAProxy's start-up messages tell them, by frontend. */
export function failedBinds(messages: string): Map<string, string> {
  const binds = new Map<string, string>();
  for (const match of messages.matchAll(/\[ALERT\].*?(?:for|Starting) (?:frontend|proxy) (\S+): (cannot .*)$/gm))
    binds.set(match[1]!, match[2]!);
  return binds;
}

/** The lines that say what is wrong. */
export function alerts(messages: string): string {
  const lines = messages.split("\n").filter((line) => line.includes("[ALERT]"));
  return (lines.length > 0 ? lines : messages.split("\n")).slice(0, 5).join(" ").trim() || "no message";
}
