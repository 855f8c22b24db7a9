import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Search } from "./plant-and-search.ts";

/** Virtual hours of each seed. */
const HOURS = 4;
const LIMIT_MS = 15 * 60_000;

/** Plants the fault with that number into a process of its own, and searches it seed by seed. Rejects if it cannot be planted. */
export function searchFor(index: number, seeds: number): Promise<Search> {
  const script = join(import.meta.dirname, "plant-and-search.ts");
  const args = [script, String(index), String(seeds), String(HOURS)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: LIMIT_MS, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Search);
      else reject(new Error(stderr.trim().slice(-2_000) || error.message));
    });
  });
}
