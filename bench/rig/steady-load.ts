import http from "node:http";
import https from "node:https";
import { Latencies } from "./latencies.ts";

/** A request that did not get the whole of its answer with status 200. */
export interface LostRequest {
  /** What went on meanwhile. */
  readonly during: string;
  readonly sentAt: Date;
  readonly afterMs: number;
  readonly request: string;
  readonly why: string;
}

export interface SteadyLoadPlan {
  /** Where requests go to in turn, without a path's last `/`; those of https trust any certificate. */
  readonly urls: readonly string[];
  /** Short requests a second, half of them POST: nobody may send those again. */
  readonly perSecond: number;
  /** Requests a second whose answers stream, and for how long. */
  readonly longPerSecond: number;
  readonly longMs: number;
}

/** An answer that takes longer than its due by this counts as none. */
const LIMIT_MS = 15_000;

/**
 * Requests at a steady rate, whatever becomes of them, over connections that are kept and used in turn. Nothing is sent again:
 * what fails once has failed.
 */
export class SteadyLoad {
  readonly lost: LostRequest[] = [];
  /** Of the short requests. */
  readonly latencies = new Latencies();
  /** What goes on, for the record of what fails. */
  during = "";
  readonly sent = { short: 0, long: 0 };
  readonly #plan: SteadyLoadPlan;
  readonly #plain = new http.Agent({ keepAlive: true, scheduling: "fifo" });
  readonly #secure = new https.Agent({ keepAlive: true, scheduling: "fifo", rejectUnauthorized: false });
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  constructor(plan: SteadyLoadPlan) {
    this.#plan = plan;
    const from = performance.now();
    this.#timer = setInterval(() => {
      const seconds = (performance.now() - from) / 1000;
      // As many as are due: timers are late on a busy machine, the rate is not.
      while (this.sent.short < Math.floor(seconds * plan.perSecond)) this.#send("short", this.sent.short++);
      while (this.sent.long < Math.floor(seconds * plan.longPerSecond)) this.#send("long", this.sent.long++);
    }, 5);
  }

  /** Sends no more, and resolves when what is under way is over. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.#plain.destroy();
    this.#secure.destroy();
  }

  #send(kind: "short" | "long", number: number): void {
    const { urls, longMs } = this.#plan;
    const base = urls[number % urls.length] ?? "";
    const method = kind === "short" && Math.floor(number / urls.length) % 2 === 1 ? "POST" : "GET";
    const url = kind === "long" ? `${base}/?ms=${longMs}` : `${base}/`;
    const sentAt = new Date();
    const from = performance.now();
    const { during } = this;
    const failed = (error: Error) => {
      const meanwhile = during === this.during ? during : `${during} .. ${this.during}`;
      const afterMs = Math.round(performance.now() - from);
      this.lost.push({ during: meanwhile, sentAt, afterMs, request: `${method} ${url}`, why: error.message });
    };
    const ask = () => this.#ask(method, url);
    const one = (kind === "short" ? this.latencies.time(ask) : ask()).catch(failed);
    this.#underWay.add(one);
    void one.finally(() => this.#underWay.delete(one));
  }

  #ask(method: string, url: string): Promise<void> {
    const secure = url.startsWith("https:");
    return new Promise((resolve, reject) => {
      const body = method === "POST" ? "x".repeat(200) : "";
      const headers = { "content-length": body.length };
      const options = { method, headers, timeout: LIMIT_MS, agent: secure ? this.#secure : this.#plain };
      const request = (secure ? https : http).request(url, options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
          else if (!text.endsWith("done")) reject(new Error("the answer broke off"));
          else resolve();
        });
      });
      const limit = setTimeout(() => request.destroy(new Error("no answer in time")), this.#plan.longMs + LIMIT_MS);
      request.on("close", () => clearTimeout(limit));
      request.on("error", (error) =>
        reject(new Error(`${error.message}${request.reusedSocket ? " (kept connection)" : ""}`)),
      );
      request.end(body);
    });
  }
}
