import { createReadStream, createWriteStream } from "node:fs";
import { appendFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Clock, Instant } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** A file is for so long, counted from the epoch. Source: ELB user guide, "Access log files". */
const SEGMENT_MS = 5 * 60_000;

const WRITE_EVERY_MS = 1000;
const TIDY_EVERY_MS = 10 * 60_000;

/** What waits to be written of one load balancer, at most: beyond, lines are dropped and counted. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export interface AccessFilesOptions {
  /** Made if missing, for its owner alone. */
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Files are removed when they are older, or when all together are larger, the oldest first. */
  readonly keepMs: number;
  readonly keepBytes: number;
}

interface Segment {
  readonly path: string;
  readonly endAt: Instant;
  waiting: string[];
  bytes: number;
}

/**
 * Files of lines, a new one for each five minutes and series: plain while they are written, then compressed as `….gz`. What a process that died left
 * plain is compressed by the next.
 */
export class AccessFiles {
  readonly #options: AccessFilesOptions;
  readonly #segments = new Map<string, Segment>();
  readonly #timers: { cancel(): void }[];
  #turn: Promise<void>;
  #dropped = 0;

  constructor(options: AccessFilesOptions) {
    const { clock } = options;
    this.#options = options;
    this.#turn = this.#try(() => this.#compressLeft());
    this.#turn = this.#turn.then(() => this.#try(() => this.#tidy()));
    this.#timers = [
      clock.every(WRITE_EVERY_MS, () => this.#write()),
      clock.every(TIDY_EVERY_MS, () => {
        this.#turn = this.#turn.then(() => this.#try(() => this.#tidy()));
      }),
    ];
  }

  /** Adds lines to a series. `pathOf` names a new file, below the directory, by the end of its five minutes. */
  append(series: string, lines: readonly string[], pathOf: (endAt: Instant) => string): void {
    const now = this.#options.clock.now();
    let segment = this.#segments.get(series);
    if (segment !== undefined && now >= segment.endAt) {
      this.#close(series, segment);
      segment = undefined;
    }
    if (segment === undefined) {
      const endAt = (Math.floor(now / SEGMENT_MS) + 1) * SEGMENT_MS;
      segment = { path: join(this.#options.dir, pathOf(endAt)), endAt, waiting: [], bytes: 0 };
      this.#segments.set(series, segment);
    }
    for (const line of lines) {
      if (segment.bytes > MOST_WAITING_BYTES) this.#dropped += 1;
      else segment.waiting.push(`${line}\n`);
      segment.bytes += line.length + 1;
    }
  }

  /** Writes all that waits and compresses it. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    for (const [series, segment] of this.#segments) this.#close(series, segment);
    await this.#turn;
  }

  #write(): void {
    const now = this.#options.clock.now();
    for (const [series, segment] of this.#segments)
      if (now >= segment.endAt) this.#close(series, segment);
      else this.#put(segment);
    if (this.#dropped === 0) return;
    this.#options.log.warn({ lines: this.#dropped }, "lines of access logs were dropped: the disk is too slow");
    this.#dropped = 0;
  }

  #close(series: string, segment: Segment): void {
    this.#segments.delete(series);
    this.#put(segment);
    this.#turn = this.#turn.then(() => this.#try(() => compress(segment.path)));
  }

  #put(segment: Segment): void {
    if (segment.waiting.length === 0) return;
    const text = segment.waiting.join("");
    const { bytes } = segment;
    segment.waiting = [];
    this.#turn = this.#turn.then(() =>
      this.#try(async () => {
        await mkdir(dirname(segment.path), { recursive: true, mode: 0o700 });
        await appendFile(segment.path, text, { mode: 0o600 });
      }).then(() => {
        segment.bytes -= bytes;
      }),
    );
  }

  /** What cannot be written is lost, and told: the load balancers go on. */
  async #try(work: () => Promise<void>): Promise<void> {
    await work().catch((error) => this.#options.log.error({ err: error }, "an access log could not be kept"));
  }

  async #compressLeft(): Promise<void> {
    for (const path of await this.#files()) {
      if (path.endsWith(".log.gz.part")) await rm(path, { force: true });
      if (path.endsWith(".log")) await compress(path);
    }
  }

  async #tidy(): Promise<void> {
    const { clock, keepMs, keepBytes } = this.#options;
    const files: { path: string; size: number; mtimeMs: number }[] = [];
    for (const path of await this.#files()) {
      if (!path.endsWith(".log.gz")) continue;
      const { size, mtimeMs } = await stat(path);
      files.push({ path, size, mtimeMs });
    }
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, mtimeMs } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (mtimeMs > clock.now() - keepMs && total <= keepBytes) break;
      await rm(path, { force: true });
      total -= size;
    }
  }

  async #files(): Promise<string[]> {
    await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
    const entries = await readdir(this.#options.dir, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }
}

/** `path` becomes `path.gz`, which is there whole or not at all. */
async function compress(path: string): Promise<void> {
  const part = `${path}.gz.part`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: 0o600 }));
  await rename(part, `${path}.gz`);
  await rm(path);
}
