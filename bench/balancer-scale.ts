import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Balancer,
  type BalancerState,
  localLauncher,
  type RuleState,
  startBalancer,
  type TargetGroupState,
} from "../src/balancer/index.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { silentLog } from "../src/runtime/log.ts";
import { freePort } from "../test/rig/free-port.ts";

/**
 * What a large load balancer costs: 10,000 targets in 100 target groups behind 500 rules. How long until HAProxy has the whole,
 * how long one target's coming and going takes, and a change of weights, each without a reload; and what requests notice of
 * 1,000 target changes. Every target is one HAProxy that answers by itself, at addresses of loopback. Linux; takes about a minute.
 * Usage: bench/balancer-scale.ts [TARGETS, 100 to 20000]
 */
const TARGETS = Number(process.argv[2] ?? 10_000);
const GROUPS = 100;
const RULES = 500;
if (!Number.isInteger(TARGETS) || TARGETS < GROUPS || TARGETS > 20_000)
  throw new Error("usage: bench/balancer-scale.ts [TARGETS, 100 to 20000]");

/** How long anything may take before the run is given up, in milliseconds. */
const LIMIT_MS = 120_000;

const clock = systemClock();
const targetPort = await freePort();
const port = await freePort();
const dir = mkdtempSync(join(tmpdir(), "berth-bench-"));
const TARGET_CONFIG = `global
  maxconn 8192
defaults
  mode http
  timeout client 60s
frontend targets
  bind 0.0.0.0:${targetPort}
  http-request return status 200 content-type text/plain string "ok"
`;

function group(index: number, count: number): TargetGroupState {
  return {
    id: `group-${index}`,
    protocol: "HTTP",
    algorithm: "round_robin",
    healthCheck: {
      enabled: true,
      protocol: "HTTP",
      port: "traffic-port",
      path: "/",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      healthyThreshold: 5,
      unhealthyThreshold: 2,
      matcher: "200",
    },
    targets: Array.from({ length: count }, (_, n) => ({
      id: `target-${n}`,
      address: `127.${1 + index}.${Math.floor(n / 250)}.${1 + (n % 250)}`,
      port: targetPort,
      draining: false,
    })),
  };
}

function rule(index: number): RuleState {
  return {
    id: `rule-${index}`,
    conditions: [
      { field: "host-header", values: [`h${index}.example.com`] },
      { field: "path-pattern", values: [`/app-${index}/*`] },
    ],
    action: {
      type: "forward",
      targetGroups: [
        { targetGroupId: `group-${index % GROUPS}`, weight: 100 },
        { targetGroupId: `group-${(index + 1) % GROUPS}`, weight: 0 },
      ],
    },
  };
}

const groups = Array.from({ length: GROUPS }, (_, index) => group(index, TARGETS / GROUPS));
const rules = Array.from({ length: RULES }, (_, index) => rule(index));
const state = (targetGroups: readonly TargetGroupState[], some: readonly RuleState[] = rules): BalancerState => ({
  listeners: [
    {
      id: "web",
      protocol: "HTTP",
      address: "127.0.0.1",
      port,
      idleTimeoutSeconds: 60,
      rules: some,
      defaultAction: { type: "forward", targetGroups: [{ targetGroupId: "group-0", weight: 1 }] },
    },
  ],
  targetGroups,
});
/** The groups with `more` targets in the last one. */
const withMore = (more: number) => [...groups.slice(0, -1), group(GROUPS - 1, TARGETS / GROUPS + more)];

/** A rule whose answer tells which configuration it comes from. */
const OWN_RULE: RuleState = {
  id: "own",
  conditions: [{ field: "path-pattern", values: ["/own"] }],
  action: { type: "fixed-response", statusCode: 200, contentType: "text/plain", body: "own" },
};

writeFileSync(join(dir, "targets.cfg"), TARGET_CONFIG);
const targets = spawn("haproxy", ["-f", join(dir, "targets.cfg")], { stdio: "ignore", detached: true });
const targetsGone = once(targets, "exit");
const balancer = await startBalancer({ dir, launcher: localLauncher(), clock, log: silentLog() });
try {
  await measure(balancer);
} finally {
  await balancer.stop({ graceMs: 0 });
  targets.kill("SIGTERM");
  await targetsGone;
  rmSync(dir, { recursive: true, force: true });
}

async function measure(it: Balancer): Promise<void> {
  const applied = async (
    what: string,
    wanted: BalancerState,
    until: () => boolean = () => true,
    served?: () => Promise<boolean>,
  ) => {
    const { generation } = it.status();
    const from = clock.monotonic();
    it.apply(wanted);
    const called = clock.monotonic() - from;
    const serving = served === undefined ? undefined : after(from, served);
    await it.settled();
    const settled = clock.monotonic() - from;
    while (!until()) {
      if (clock.monotonic() - from > LIMIT_MS) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
      await clock.sleep(5);
    }
    const done = clock.monotonic() - from;
    const reloads = it.status().generation - generation;
    const figures = [`apply() ${ms(called)}`, `in HAProxy ${ms(settled)}`, `seen by reports ${ms(done)}`];
    if (serving !== undefined) figures.unshift(`requests are answered by it after ${ms(await serving)}`);
    console.log(`${what}: ${figures.join(", ")}; reloads: ${reloads}`);
    return done;
  };
  const healthy = () => it.reports().filter((report) => report.state === "healthy").length;
  await applied(
    `start with ${TARGETS} targets, ${GROUPS} groups, ${RULES} rules`,
    state(groups),
    () => healthy() === TARGETS,
    serves("ok"),
  );
  await applied("one target more", state(withMore(1)), () => healthy() === TARGETS + 1);
  await applied("one target less", state(groups), () => it.reports().length === TARGETS);
  const shifted = rules.map((one, index) => (index === RULES - 1 ? shift(one) : one));
  await applied("one rule's weights", state(groups, shifted));
  const more = [OWN_RULE, ...rules];
  await applied("one rule more (a reload)", state(groups, more), () => healthy() === TARGETS, serves("own"));
  await applied("one rule less (a reload)", state(groups), () => healthy() === TARGETS, serves("ok"));
  const quiet = await load(3000);
  console.log(`requests meanwhile quiet: ${quiet}`);
  const running = load(20_000, (stop) => changes(it, stop));
  console.log(`requests during 1,000 target changes: ${await running}`);
}

/** Whether a request on a connection of its own gets that answer. */
function serves(body: string): () => Promise<boolean> {
  return async () => {
    const headers = { connection: "close" };
    const answer = await fetch(`http://127.0.0.1:${port}/own`, { headers }).catch(() => undefined);
    return (await answer?.text()) === body;
  };
}

/** The milliseconds from `from` until `holds`. */
async function after(from: number, holds: () => Promise<boolean>): Promise<number> {
  while (!(await holds())) {
    if (clock.monotonic() - from > LIMIT_MS) throw new Error(`not within ${LIMIT_MS} ms`);
    await clock.sleep(5);
  }
  return clock.monotonic() - from;
}

function shift(one: RuleState): RuleState {
  if (one.action.type !== "forward") return one;
  const targetGroups = one.action.targetGroups.map((each, index) => ({ ...each, weight: index }));
  return { ...one, action: { ...one.action, targetGroups } };
}

/** A hundred times ten targets come and go, each time waiting until HAProxy has it. */
async function changes(it: Balancer, stop: () => void): Promise<void> {
  const from = clock.monotonic();
  for (let round = 0; round < 50; round += 1) {
    it.apply(state(withMore(10)));
    await it.settled();
    it.apply(state(groups));
    await it.settled();
  }
  console.log(`1,000 target changes, ten at a time: ${ms((clock.monotonic() - from) / 100)} for each ten`);
  stop();
}

/** Sends requests one after another over kept connections on four lanes, for `limitMs` at most. */
async function load(limitMs: number, during?: (stop: () => void) => Promise<void>): Promise<string> {
  const times: number[] = [];
  let failed = 0;
  let running = true;
  const from = clock.monotonic();
  const lane = async () => {
    while (running && clock.monotonic() - from < limitMs) {
      const at = clock.monotonic();
      const index = times.length % RULES;
      const answer = await fetch(`http://127.0.0.1:${port}/app-${index}/`).catch(() => undefined);
      if (answer?.status !== 200 || (await answer.text()) !== "ok") failed += 1;
      times.push(clock.monotonic() - at);
    }
  };
  const lanes = Promise.all([lane(), lane(), lane(), lane()]);
  await during?.(() => {
    running = false;
  });
  await lanes;
  const seconds = (clock.monotonic() - from) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  const p = (share: number) => ms(sorted[Math.floor(sorted.length * share)] ?? 0);
  return `${Math.round(times.length / seconds)}/s, p50 ${p(0.5)}, p99 ${p(0.99)}, ${failed} of ${times.length} failed`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
