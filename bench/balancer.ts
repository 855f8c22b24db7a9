import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BalancerState, localLauncher, startBalancer } from "../src/balancer/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { silentLog } from "../src/runtime/log.ts";

/**
 * What a request through a load balancer of Berth costs, beside a HAProxy configured by hand and beside no load balancer at all,
 * in the same run: requests per second and the 99th percentile of their times, each way in turn, the median of all rounds. The
 * targets are a HAProxy that answers by itself, so that they are not what is measured. Needs `wrk` (Debian's package) and
 * `haproxy`; loopback only. Usage: bench/balancer.ts [ROUNDS, 1 to 20]
 */
const ROUNDS = Number(process.argv[2] ?? 7);
if (!Number.isInteger(ROUNDS) || ROUNDS < 1 || ROUNDS > 20)
  throw new Error("usage: bench/balancer.ts [ROUNDS, 1 to 20]");
const SECONDS = 4;
const CONNECTIONS = 32;
const TARGETS = 3;

const run = promisify(execFile);
const clock = systemClock();
const dir = mkdtempSync(join(tmpdir(), "berth-bench-"));
const targetPorts = await Promise.all(Array.from({ length: TARGETS }, freePort));
const [handPort, berthPort] = [await freePort(), await freePort()];

const TARGET_CONFIG = `global
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
${targetPorts.map((port) => `frontend t${port}\n  bind 127.0.0.1:${port}\n  http-request return status 200 content-type text/plain string "hello"`).join("\n")}
`;

const HAND_CONFIG = `global
  maxconn 4096
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse safe
frontend web
  bind 127.0.0.1:${handPort}
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /
${targetPorts.map((port) => `  server t${port} 127.0.0.1:${port} check inter 5s`).join("\n")}
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

/** HAProxy in the foreground on a configuration, and what ends it. */
async function haproxy(name: string, text: string, port: number): Promise<() => Promise<void>> {
  const file = join(dir, `${name}.cfg`);
  writeFileSync(file, text);
  // A session of its own, as Berth gives it: Linux shares processor time out by sessions.
  const child = spawn("haproxy", ["-f", file], { stdio: "ignore", detached: true });
  const gone = once(child, "exit");
  await reachable(port);
  return async () => {
    child.kill("SIGTERM");
    await gone;
  };
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

interface Figures {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function load(port: number): Promise<Figures> {
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${SECONDS}s`, "--latency", `http://127.0.0.1:${port}/`];
  const { stdout } = await run("wrk", args, { timeout: (SECONDS + 20) * 1000 });
  const [, perSecond = ""] = /Requests\/sec:\s+([\d.]+)/.exec(stdout) ?? [];
  const [, p99 = "", unit = ""] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`requests failed:\n${stdout}`);
  return { perSecond: Number(perSecond), p99Ms: Number(p99) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN) };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function measure(): Promise<void> {
  const ways = { direct: targetPorts[0] ?? 0, "by hand": handPort, Berth: berthPort };
  const figures = new Map<string, Figures[]>(Object.keys(ways).map((way) => [way, []]));
  const order = Object.entries(ways);
  for (let round = 0; round < ROUNDS; round += 1)
    // Each round in the other order, so that what drifts meets both alike.
    for (const [way, port] of round % 2 === 0 ? order : order.toReversed()) figures.get(way)?.push(await load(port));
  const medians = [...figures].map(([way, all]) => ({
    way,
    perSecond: median(all.map((one) => one.perSecond)),
    p99Ms: median(all.map((one) => one.p99Ms)),
  }));
  for (const { way, perSecond, p99Ms } of medians)
    console.log(`${way}: ${Math.round(perSecond)} requests/s, p99 ${p99Ms.toFixed(2)} ms`);
  const ratios = (figures.get("Berth") ?? []).map(
    (one, index) => one.perSecond / (figures.get("by hand")?.[index]?.perSecond ?? 1),
  );
  console.log(
    `Berth beside by hand, median of ${ROUNDS} rounds: ${(median(ratios) * 100).toFixed(1)} % of the requests/s`,
  );
}

async function freePort(): Promise<number> {
  const probe = createTcpServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const undo: (() => Promise<unknown>)[] = [];
try {
  undo.push(await haproxy("targets", TARGET_CONFIG, targetPorts[0] ?? 0));
  undo.push(await haproxy("hand", HAND_CONFIG, handPort));
  const balancer = await startBalancer({ dir: join(dir, "berth"), launcher: localLauncher(), clock, log: silentLog() });
  undo.push(() => balancer.stop({ graceMs: 0 }));
  balancer.apply(state);
  await balancer.settled();
  await reachable(berthPort);
  await measure();
} finally {
  for (const step of undo.reverse()) await step();
  rmSync(dir, { recursive: true, force: true });
}
