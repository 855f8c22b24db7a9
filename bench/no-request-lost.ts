import http from "node:http";
import { parseArgs } from "node:util";
import { eventually } from "../test/rig/eventually.ts";
import { createBalancedServices, defineWeb, openClients } from "./rig/balanced-services.ts";
import { balancerChanges, type Change, hostArns, hostChanges, serviceChanges } from "./rig/changes.ts";
import { type ControlPlane, startControlPlane } from "./rig/control-plane.ts";
import { haproxyOf } from "./rig/haproxy-of.ts";
import { SteadyLoad } from "./rig/steady-load.ts";
import { openWebTaskHosts, type WebTaskHosts } from "./rig/web-tasks.ts";

/**
 * How many requests fail while everything changes under them: rolling updates, scale-ins, drains of hosts and reconfigurations of
 * the load balancer, over the real API, with a steady load of short requests (half of them POST) and of long ones whose answers
 * stream, over kept connections, by HTTP and HTTPS. A `berth server` with its store on disk and its HAProxy; simulated agents on
 * real websockets, whose tasks are web servers that finish what is under way when they are told to stop. Then, if asked for, with the
 * control plane killed for a while, and with HAProxy killed: how long until it serves again. Linux; loopback only. Ends with 1 if a
 * request failed that was not under way in a HAProxy that was killed, or HAProxy was not back within a second.
 */
const USAGE = `usage: bench/no-request-lost.ts [--updates 100] [--services 6] [--hosts 4] [--rate 200] [--long-rate 4]
  [--long-ms 3000] [--control-plane-down SECONDS] [--haproxy-kills 0]`;

const { values } = parseArgs({
  options: {
    updates: { type: "string", default: "100" },
    services: { type: "string", default: "6" },
    hosts: { type: "string", default: "4" },
    rate: { type: "string", default: "200" },
    "long-rate": { type: "string", default: "4" },
    "long-ms": { type: "string", default: "3000" },
    "control-plane-down": { type: "string", default: "0" },
    "haproxy-kills": { type: "string", default: "0" },
  },
});
const whole = (text: string, least: number, most: number): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Error(`${text} is not ${least} to ${most}\n${USAGE}`);
  return number;
};
const plan = {
  updates: whole(values.updates, 0, 100_000),
  services: whole(values.services, 2, 20),
  hosts: whole(values.hosts, 2, 20),
  rate: whole(values.rate, 1, 5_000),
  longRate: whole(values["long-rate"], 1, 200),
  longMs: whole(values["long-ms"], 100, 9_000),
  downSeconds: whole(values["control-plane-down"], 0, 3_600),
  kills: whole(values["haproxy-kills"], 0, 100),
};

const KILLED = "HAProxy killed";
/** A pause between two changes of one lane: what is measured is not how fast changes can follow one another. */
const PAUSE_MS = { service: 100, host: 2000, balancer: 500 };
const TOLD_EVERY = 50;
/** A killed HAProxy is to serve again within this. */
const BACK_WITHIN_MS = 1000;
/** Requests that were under way in it, or sent while it was away, have failed by then. */
const AFTERMATH_MS = 2000;

let lost: boolean;
const server = await startControlPlane();
let hosts: WebTaskHosts | undefined;
try {
  const clients = openClients(server.caller);
  await defineWeb(clients);
  hosts = await openWebTaskHosts(server.caller, plan.hosts);
  const balanced = await createBalancedServices(clients, plan.services);
  const { services, httpUrl, httpsUrl } = balanced;
  const urls = services.flatMap(({ path }, index) => [`${index % 3 === 2 ? httpsUrl : httpUrl}${path}`]);
  const load = new SteadyLoad({
    ...{ urls, perSecond: plan.rate },
    ...{ longPerSecond: plan.longRate, longMs: plan.longMs },
  });
  try {
    const reloads = async () => (await haproxyOf(server.dataDir)).generation;
    const before = await reloads();
    const lanes = [
      ...services.map((service) => ({ pauseMs: PAUSE_MS.service, changes: serviceChanges(clients, service) })),
      { pauseMs: PAUSE_MS.host, changes: hostChanges(clients, await hostArns(clients)) },
      { pauseMs: PAUSE_MS.balancer, changes: balancerChanges({ clients, balanced, reloads }) },
    ];
    await change(lanes, load);
    console.log(`HAProxy was reloaded ${(await reloads()) - before} times`);
    if (plan.downSeconds > 0) await controlPlaneDown(server, load);
    const recoveries = await killHaproxy(server, load, `${httpUrl}${services[0]?.path}/`);
    await load.stop();
    lost = await tell(load, hosts, recoveries);
  } finally {
    await load.stop();
  }
  for (const client of Object.values(clients)) client.destroy();
} finally {
  await hosts?.close();
  await server.close();
}
process.exitCode = lost ? 1 : 0;

/** All lanes at once, each with one change after the other, until as many as planned have been carried out. */
async function change(
  lanes: readonly { readonly pauseMs: number; readonly changes: Generator<Change> }[],
  load: SteadyLoad,
): Promise<void> {
  const made = new Map<string, number>();
  const underWay = new Set<string>();
  let begun = 0;
  let done = 0;
  const from = performance.now();
  const lane = async ({ pauseMs, changes }: (typeof lanes)[number]) => {
    while (begun < plan.updates) {
      begun += 1;
      const { kind, make } = changes.next().value as Change;
      underWay.add(kind);
      load.during = [...underWay].join(", ");
      await make();
      underWay.delete(kind);
      made.set(kind, (made.get(kind) ?? 0) + 1);
      done += 1;
      if (done % TOLD_EVERY === 0 || done === plan.updates) progress(done, from, load);
      await sleep(pauseMs);
    }
  };
  await Promise.all(lanes.map(lane)).catch((error) => {
    begun = plan.updates; // no lane goes on after another has failed
    throw error;
  });
  for (const [kind, count] of [...made].sort(([, a], [, b]) => b - a)) console.log(`  ${count} x ${kind}`);
}

function progress(done: number, from: number, load: SteadyLoad): void {
  const seconds = ((performance.now() - from) / 1000).toFixed(0);
  const { short, long } = load.sent;
  console.log(
    `${done} changes in ${seconds} s: ${load.lost.length} of ${short} short and ${long} long requests failed`,
  );
}

async function controlPlaneDown(plane: ControlPlane, load: SteadyLoad): Promise<void> {
  load.during = "control plane down";
  const before = { ...load.sent, lost: load.lost.length };
  await plane.crash(() => sleep(plan.downSeconds * 1000));
  load.during = "control plane back";
  const sent = load.sent.short + load.sent.long - before.short - before.long;
  console.log(
    `control plane killed for ${plan.downSeconds} s: ${load.lost.length - before.lost} of ${sent} requests failed`,
  );
}

/** Kills the worker, or all of HAProxy, in turn. Resolves with the times after which every request sent was answered. */
async function killHaproxy(plane: ControlPlane, load: SteadyLoad, url: string): Promise<number[]> {
  const recoveries: number[] = [];
  for (let turn = 0; turn < plan.kills; turn += 1) {
    load.during = KILLED;
    const before = load.lost.length;
    const { master, worker } = await haproxyOf(plane.dataDir);
    const killed = turn % 2 === 0 ? [worker] : [master, worker];
    const at = Date.now();
    for (const pid of killed) process.kill(pid, "SIGKILL");
    await eventually("HAProxy serves again", 30_000, async () => (await statusOf(url)) === 200);
    const first = Date.now() - at;
    await sleep(Math.max(AFTERMATH_MS, plan.longMs));
    const failed = load.lost.slice(before).map(({ sentAt }) => sentAt.getTime() - at);
    const all = Math.max(first, ...failed);
    recoveries.push(all);
    const who = killed.length === 1 ? "worker" : "master and worker";
    const underWay = failed.filter((ms) => ms <= 0).length;
    console.log(
      `HAProxy's ${who} killed: a request is answered again after ${first} ms, all after ${all} ms; ` +
        `${underWay} failed that were under way, ${failed.length - underWay} that were sent meanwhile`,
    );
    load.during = "after a kill";
  }
  return recoveries;
}

/** Prints what came of it all; true if something did that must not. */
async function tell(load: SteadyLoad, tasks: WebTaskHosts, recoveries: readonly number[]): Promise<boolean> {
  const unexpected = load.lost.filter(({ during }) => !during.includes(KILLED));
  for (const one of unexpected.slice(0, 40))
    console.log(
      `lost: ${one.request} sent ${one.sentAt.toISOString()}, failed after ${one.afterMs} ms: ${one.why} [${one.during}]`,
    );
  const { late, killed } = await tasks.counts();
  if (late + killed > 0) console.log(`${late} requests came to stopping tasks, and ${killed} tasks had to be killed`);
  console.log(`short requests took ${load.latencies.summary()} ms (median / 99th percentile)`);
  const { short, long } = load.sent;
  console.log(`${unexpected.length} requests failed of ${short} short and ${long} long ones (${plan.longMs} ms)`);
  return unexpected.length > 0 || recoveries.some((ms) => ms > BACK_WITHIN_MS);
}

function statusOf(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
