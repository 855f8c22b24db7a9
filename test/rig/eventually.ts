/**
 * Waits until `look` gives something true and answers it; looks every 50 ms. Fails after `limitMs` with what was waited
 * for. An exception from `look` fails at once.
 */
export async function eventually<T>(
  what: string,
  limitMs: number,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<T, false | null | undefined | 0 | "">;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
