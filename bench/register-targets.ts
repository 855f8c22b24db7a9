import { once } from "node:events";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeregisterTargetsCommand,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { freePort } from "../test/rig/free-port.ts";
import { openClients } from "./rig/balanced-services.ts";
import { startControlPlane } from "./rig/control-plane.ts";
import { Latencies } from "./rig/latencies.ts";

/**
 * How soon a target serves: from the call of RegisterTargets, with the official SDK, until the first request through the load balancer that it
 * answers; and how soon after DeregisterTargets the last one reaches it. A `berth server` with its store on disk and its HAProxy; one target that
 * comes and goes beside one that stays. Loopback only. Usage: bench/register-targets.ts [ROUNDS, 1 to 1000]
 */
const ROUNDS = Number(process.argv[2] ?? 100);
if (!Number.isInteger(ROUNDS) || ROUNDS < 1 || ROUNDS > 1000)
  throw new Error("usage: bench/register-targets.ts [ROUNDS, 1 to 1000]");

/** How long a target may take to serve, or to be out of rotation, before the run is given up, in milliseconds. */
const LIMIT_MS = 30_000;

const [staying, coming] = [await target("stays"), await target("comes")];
const controlPlane = await startControlPlane();
try {
  await measure();
} finally {
  await controlPlane.close();
  for (const { server } of [staying, coming]) server.close();
}

async function measure(): Promise<void> {
  const { elb } = openClients(controlPlane.caller);
  const port = await freePort();
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: "web", Subnets: ["subnet-1"] }));
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({ Name: "web", Protocol: "HTTP", Port: 80, VpcId: "vpc-1", TargetType: "ip" }),
  );
  const TargetGroupArn = TargetGroups?.[0]?.TargetGroupArn;
  await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers?.[0]?.LoadBalancerArn,
      Protocol: "HTTP",
      Port: port,
      DefaultActions: [{ Type: "forward", TargetGroupArn }],
    }),
  );
  const group = (one: { readonly port: number }) => ({
    TargetGroupArn,
    Targets: [{ Id: "127.0.0.1", Port: one.port }],
  });
  await elb.send(new RegisterTargetsCommand(group(staying)));
  await until("the target that stays serves", async () => (await ask(port)) === "stays");
  const [called, served, left] = [new Latencies(), new Latencies(), new Latencies()];
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now();
    await called.time(() => elb.send(new RegisterTargetsCommand(group(coming))));
    await served.time(() => until("the target serves", async () => (await ask(port)) === "comes"), from);
    await left.time(async () => {
      await elb.send(new DeregisterTargetsCommand(group(coming)));
      await until("the target has left", () => staysAlone(port));
    });
  }
  const rows = { "RegisterTargets returns": called, "it serves": served, "after DeregisterTargets it has left": left };
  for (const [what, times] of Object.entries(rows))
    console.log(`${what}: ${times.summary()} ms (median / 99th percentile of ${ROUNDS})`);
}

/** With two targets in turn, four answers in a row of one mean that the other is out of rotation. */
async function staysAlone(port: number): Promise<boolean> {
  for (let i = 0; i < 4; i++) if ((await ask(port)) !== "stays") return false;
  return true;
}

/** A web server that answers with its name, health checks too. */
async function target(name: string) {
  const server = createServer((_, response) => response.end(name)).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

/** What a request on a connection of its own is answered; undefined if it fails. */
function ask(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ port, host: "127.0.0.1", agent: false }, async (response) => {
      let body = "";
      for await (const part of response) body += part;
      resolve(response.statusCode === 200 ? body : undefined);
    });
    request.on("error", () => resolve(undefined));
  });
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const from = performance.now();
  while (!(await holds()))
    if (performance.now() - from > LIMIT_MS) throw new Error(`${what}: not within ${LIMIT_MS} ms`);
}
