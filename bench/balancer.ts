import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BalancerState, localLauncher, startBalancer } from "../src/balancer/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { silentLog } from "../src/runtime/log.ts";
import { freePort } from "../test/rig/free-port.ts";

/**
 * What a request through a load balancer of Berth costs, beside a HAProxy configured by hand and beside no load balancer at all,
 * in the same run: requests per second, the 99th percentile of their times, and HAProxy's processor time for each, each way in
 * turn, the medians of all rounds and of the rounds' ratios. By hand stands what a competent operator writes for the same duties:
 * health checks, X-Forwarded-For, -Proto and -Port, kept and shared connections, another target for a connection that fails, and a
 * safe request whose target closed without an answer sent again. HAProxy pays for the last with a copy of each request; so it is
 * measured by hand without it too. The targets are a HAProxy that answers by itself, so that they are not what is measured. Needs
 * `wrk` (Debian's package) and `haproxy`; Linux, loopback only. Usage: bench/balancer.ts [ROUNDS, 1 to 50]
 */
const ROUNDS = Number(process.argv[2] ?? 15);
if (!Number.isInteger(ROUNDS) || ROUNDS < 1 || ROUNDS > 50)
  throw new Error("usage: bench/balancer.ts [ROUNDS, 1 to 50]");
const SECONDS = 2;
const CONNECTIONS = 32;
const TARGETS = 3;

const run = promisify(execFile);
const clock = systemClock();
const dir = mkdtempSync(join(tmpdir(), "berth-bench-"));
const targetPorts = await Promise.all(Array.from({ length: TARGETS }, freePort));
const [handPort, barePort, berthPort] = [await freePort(), await freePort(), await freePort()];

const TARGET_CONFIG = `global
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
${targetPorts.map((port) => `frontend t${port}\n  bind 127.0.0.1:${port}\n  http-request return status 200 content-type text/plain string "hello"`).join("\n")}
`;

const SENT_AGAIN = `  retry-on conn-failure empty-response
  http-request disable-l7-retry unless { method GET HEAD OPTIONS }
`;

const handConfig = (port: number, sentAgain: string) => `global
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  option forwardfor
  retries 3
  option redispatch 1
  http-reuse safe
frontend web
  bind 127.0.0.1:${port}
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Port ${port}
  default_backend web
backend web
  balance roundrobin
${sentAgain}  option httpchk GET /
${targetPorts.map((target) => `  server t${target} 127.0.0.1:${target} check inter 5s`).join("\n")}
`;

const state: BalancerState = {
  listeners: [
    {
      id: "web",
      protocol: "HTTP",
      address: "127.0.0.1",
      port: berthPort,
      idleTimeoutSeconds: 60,
      rules: [],
      defaultAction: { type: "forward", targetGroups: [{ targetGroupId: "web", weight: 1 }] },
    },
  ],
  targetGroups: [
    {
      id: "web",
      protocol: "HTTP",
      algorithm: "round_robin",
      healthCheck: {
        enabled: true,
        protocol: "HTTP",
        port: "traffic-port",
        path: "/",
        intervalSeconds: 5,
        timeoutSeconds: 2,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
        matcher: "200",
      },
      targets: targetPorts.map((port) => ({ id: `t${port}`, address: "127.0.0.1", port, draining: false })),
    },
  ],
};

/** HAProxy in the foreground on a configuration: its pid. It ends with the measurement. */
async function haproxy(name: string, text: string, port: number): Promise<number> {
  const file = join(dir, `${name}.cfg`);
  writeFileSync(file, text);
  // A session of its own, as Berth gives it: Linux shares processor time out by sessions.
  const child = spawn("haproxy", ["-f", file], { stdio: "ignore", detached: true });
  const gone = once(child, "exit");
  undo.push(async () => {
    child.kill("SIGTERM");
    await gone;
  });
  await reachable(port);
  if (child.pid === undefined) throw new Error("haproxy has no pid");
  return child.pid;
}

async function reachable(port: number): Promise<void> {
  const until = clock.monotonic() + 10_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer?.status === 200) return;
    if (clock.monotonic() > until) throw new Error(`nothing serves port ${port}`);
    await clock.sleep(20);
  }
}

interface Way {
  readonly port: number;
  /** The HAProxy that carries the requests. */
  readonly pid: number;
}

interface Figures {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** HAProxy's processor time for a request, in microseconds. */
  readonly costUs: number;
}

/** The processor time that all threads of a process had so far, in microseconds. */
function processorUs(pid: number): number {
  const timeNs = (thread: string) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ", 1)[0]);
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + timeNs(thread), 0) / 1000;
}

async function load({ port, pid }: Way): Promise<Figures> {
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "--latency", `http://127.0.0.1:${port}/`];
  const from = processorUs(pid);
  const { stdout } = await run("wrk", args, { timeout: (SECONDS + 20) * 1000 });
  const spentUs = processorUs(pid) - from;
  const [, requests = ""] = /(\d+) requests in/.exec(stdout) ?? [];
  const [, perSecond = ""] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? [];
  const [, p99 = "", unit = ""] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed:\n${stdout}`);
  return {
    perSecond: Number(perSecond),
    p99Ms: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN),
    costUs: spentUs / Number(requests),
  };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function measure(ways: Readonly<Record<string, Way>>): Promise<void> {
  const figures = new Map<string, Figures[]>(Object.keys(ways).map((name) => [name, []]));
  const order = Object.entries(ways);
  for (let round = 0; round < ROUNDS; round += 1)
    // Each round in the other order, so that what drifts meets all alike.
    for (const [name, way] of round % 2 === 0 ? order : order.toReversed()) figures.get(name)?.push(await load(way));
  for (const [name, all] of figures) {
    const of = (figure: keyof Figures) => median(all.map((one) => one[figure]));
    const cost = `${of("costUs").toFixed(1)} us of processor for each`;
    console.log(`${name}: ${Math.round(of("perSecond"))} requests/s, p99 ${of("p99Ms").toFixed(2)} ms, ${cost}`);
  }
  for (const other of ["by hand", "by hand, nothing sent again"]) {
    const ratio = (figure: keyof Figures) => {
      const ratios = (figures.get("Berth") ?? []).map(
        (one, index) => one[figure] / (figures.get(other)?.[index]?.[figure] ?? Number.NaN),
      );
      return `${(median(ratios) * 100).toFixed(1)} %`;
    };
    const all = `${ratio("perSecond")} of the requests/s, ${ratio("p99Ms")} of the p99, ${ratio("costUs")} of the processor time`;
    console.log(`Berth beside ${other}, medians of ${ROUNDS} rounds: ${all}`);
  }
}

const undo: (() => Promise<unknown>)[] = [];
try {
  const targets = await haproxy("targets", TARGET_CONFIG, targetPorts[0] ?? 0);
  const hand = await haproxy("hand", handConfig(handPort, SENT_AGAIN), handPort);
  const bare = await haproxy("bare", handConfig(barePort, ""), barePort);
  const balancer = await startBalancer({ dir: join(dir, "berth"), launcher: localLauncher(), clock, log: silentLog() });
  undo.push(() => balancer.stop({ graceMs: 0 }));
  balancer.apply(state);
  await balancer.settled();
  await reachable(berthPort);
  await measure({
    direct: { port: targetPorts[0] ?? 0, pid: targets },
    "by hand": { port: handPort, pid: hand },
    "by hand, nothing sent again": { port: barePort, pid: bare },
    Berth: { port: berthPort, pid: balancer.status().pid ?? 0 },
  });
} finally {
  for (const step of undo.toReversed()) await step();
  rmSync(dir, { recursive: true, force: true });
}
