import http from "node:http";

/** A request that did not get 200. Times in milliseconds on the monotonic clock of this process. */
export interface Failure {
  /** Since the load began. */
  readonly atMs: number;
  readonly sentAt: number;
  readonly failedAt: number;
  readonly why: string;
}

/** What came of a load. */
export interface LoadResult {
  readonly sent: number;
  /** Every request that did not get 200. */
  readonly failures: readonly Failure[];
  /** How many answers each body got. */
  readonly answers: ReadonlyMap<string, number>;
  /** The slowest answer, in milliseconds. */
  readonly slowestMs: number;
}

/** A steady load of GET requests, each on a connection of its own, until it is stopped or `limitMs` have passed. */
export function startLoad(
  url: string,
  perSecond: number,
  limitMs = 120_000,
): { stop(): Promise<LoadResult>; failures(): number } {
  const startedAt = performance.now();
  const failures: Failure[] = [];
  const answers = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let slowestMs = 0;
  const one = async (): Promise<void> => {
    const at = performance.now();
    try {
      const body = await get(url);
      answers.set(body, (answers.get(body) ?? 0) + 1);
    } catch (error) {
      const failedAt = performance.now();
      failures.push({ atMs: Math.round(at - startedAt), sentAt: at, failedAt, why: (error as Error).message });
    }
    slowestMs = Math.max(slowestMs, performance.now() - at);
  };
  const timer = setInterval(() => {
    const elapsed = performance.now() - startedAt;
    if (elapsed > limitMs) return clearInterval(timer);
    // As many as are due: timers are late on a busy machine, the rate is not.
    for (const due = Math.floor((elapsed / 1000) * perSecond); sent < due; sent++) {
      const request = one().finally(() => underWay.delete(request));
      underWay.add(request);
    }
  }, 5);
  return {
    failures: () => failures.length,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(underWay);
      return { sent, failures, answers, slowestMs: Math.round(slowestMs) };
    },
  };
}

/** The body of one GET on a new connection. Rejects for anything but 200, and after 15 seconds. */
export function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: 15_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        body += part;
      });
      response.on("error", reject);
      response.on("end", () =>
        response.statusCode === 200 ? resolve(body.trim()) : reject(new Error(`status ${response.statusCode}`)),
      );
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 15 s")));
    request.on("error", reject);
  });
}
