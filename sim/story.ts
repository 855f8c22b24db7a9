import { START, type VirtualTime } from "./virtual-time.ts";

/** Lines of the story that are kept for a failure's report. */
const KEPT_LINES = 400;

/** What happened, as a hash over all of it and as its last lines. The same seed tells the same story. */
export class Story {
  readonly #time: VirtualTime;
  readonly #lines: string[] = [];
  #next = 0;
  /** Two running hashes, FNV-1a and one with another prime, over every character. */
  #a = 0x811c9dc5;
  #b = 0x9e3779b9;
  /** Prints each line as it is told. */
  readonly #echo: ((line: string) => void) | undefined;

  constructor(time: VirtualTime, echo?: (line: string) => void) {
    this.#time = time;
    this.#echo = echo;
  }

  /** Adds a line. `who` is short: "api", "host-2", "fault". */
  tell(who: string, what: string): void {
    const line = `${this.#time.now.toFixed(3)} ${who}: ${what}`;
    let a = this.#a;
    let b = this.#b;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ code, 0x85ebca6b) + 1;
    }
    this.#a = a;
    this.#b = b;
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % KEPT_LINES;
    this.#echo?.(readable(line));
  }

  /** Sixteen hex digits over every line so far. */
  get hash(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** The last lines with readable times, oldest first. */
  last(count: number): readonly string[] {
    const lines = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return lines.slice(-count).map(readable);
  }
}

function readable(line: string): string {
  const space = line.indexOf(" ");
  const at = new Date(START + Number(line.slice(0, space))).toISOString().slice(8, 23).replace("T", " ");
  return `day ${at}${line.slice(space)}`;
}

/** An ARN or a UUID, shortened for reading: what comes after the last slash, the first eight characters of it. */
export function short(id: string | undefined): string {
  if (id === undefined) return "-";
  return id.slice(id.lastIndexOf("/") + 1).slice(0, 8);
}
