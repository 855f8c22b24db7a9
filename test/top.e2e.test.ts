import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import { CloudWatchClient, GetMetricDataCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  ModifyLoadBalancerAttributesCommand,
  RegisterTargetsCommand,
  waitUntilTargetInService,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { BerthOperations } from "../src/wire/models/berth.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { eventually } from "./rig/eventually.ts";
import { freePort } from "./rig/free-port.ts";

let cluster: Cluster;
const servers: Server[] = [];
let port = 0;
let target = "";
let balancerArn = "";

/** The package's, version 2, or what set-up got where there is no package. */
const AWS = existsSync("/usr/bin/aws") ? "/usr/bin/aws" : "aws";

before(async () => {
  cluster = await startCluster({ hosts: 0 });
  const server = createServer(async (request, response) => {
    if (request.url === "/slow") await sleep(300);
    response.writeHead(request.url === "/missing" ? 404 : 200).end();
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  const targetPort = (server.address() as AddressInfo).port;
  target = `127.0.0.1:${targetPort}`;
  port = await freePort();
  const { elb } = cluster;
  const { TargetGroups } = await elb.send(
    new CreateTargetGroupCommand({ Name: "hello", Protocol: "HTTP", Port: 80, TargetType: "ip" }),
  );
  const TargetGroupArn = TargetGroups?.[0]?.TargetGroupArn ?? "";
  await elb.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: "127.0.0.1", Port: targetPort }] }));
  const { LoadBalancers } = await elb.send(new CreateLoadBalancerCommand({ Name: "web", Subnets: ["subnet-1"] }));
  balancerArn = LoadBalancers?.[0]?.LoadBalancerArn ?? "";
  const { Listeners } = await elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: balancerArn,
      Protocol: "HTTP",
      Port: port,
      DefaultActions: [{ Type: "forward", TargetGroupArn }],
    }),
  );
  await elb.send(
    new CreateRuleCommand({
      ListenerArn: Listeners?.[0]?.ListenerArn ?? "",
      Priority: 1,
      Conditions: [{ Field: "path-pattern", Values: ["/old"] }],
      Actions: [{ Type: "redirect", RedirectConfig: { Path: "/new", StatusCode: "HTTP_301" } }],
    }),
  );
  await waitUntilTargetInService({ client: elb, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { TargetGroupArn });
});
after(async () => {
  await cluster?.close();
  for (const server of servers) server.closeAllConnections();
  for (const server of servers) server.close();
});

function berth(...args: string[]): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile(process.execPath, ["src/cli/main.ts", ...args], { env: cluster.env }, (error, out) =>
      error === null ? resolve(out) : reject(error),
    ),
  );
}

test("what clients were answered is what /metrics and berth top say", async () => {
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" });
  for (const [path, count] of [
    ["/", 10],
    ["/missing", 5],
    ["/old", 3],
    ["/slow", 2],
  ] as const)
    for (let i = 0; i < count; i += 1) await ask(path);

  const metrics = async () => (await fetch(`${cluster.endpoint}/metrics`)).text();
  const group = 'load_balancer="web",target_group="hello"';
  const lines = [
    'berth_load_balancer_requests_total{load_balancer="web"} 17',
    'berth_load_balancer_responses_total{load_balancer="web",by="load_balancer",code="3xx"} 3',
    'berth_load_balancer_responses_total{load_balancer="web",by="target",code="2xx"} 12',
    `berth_target_group_responses_total{${group},by="target",code="4xx"} 5`,
    `berth_target_group_response_seconds_count{${group}} 17`,
    `berth_target_requests_total{${group},target="${target}"} 17`,
    `berth_target_group_targets{${group},health="healthy"} 1`,
  ];
  await eventually("/metrics has them all", 5000, async () => {
    const text = await metrics();
    return lines.every((line) => text.includes(`${line}\n`));
  });

  // The second that is under way is not among them yet.
  await eventually("berth top has them all", 10_000, async () => {
    const text = await berth("top", "web", "--seconds", "60", "--output", "json");
    const answer: BerthOperations["DescribeTraffic"]["output"] = JSON.parse(text);
    const { requestsPerSecond, answers2xxPerSecond, answers3xxPerSecond } = answer.loadBalancers[0]?.figures ?? {};
    const counts = [requestsPerSecond, answers2xxPerSecond, answers3xxPerSecond];
    return isDeepStrictEqual(
      counts.map((perSecond = 0) => Math.round(perSecond * 60)),
      [20, 12, 3],
    );
  });
  const table = await berth("top", "--once", "--seconds", "60");
  assert.match(
    table,
    /^LOAD BALANCER +HEALTH +CONN\/S .* P99 +ACTIVE\nweb .*\n {2}HTTP:\d+ .*\n {2}hello +1 healthy .*\n {4}127/,
  );
});

test("CloudWatch's metrics are answered to the SDK, which speaks JSON, and to the aws CLI, which speaks Query", async () => {
  const [, name = ""] = balancerArn.split(":loadbalancer/");
  const dimensions = [{ Name: "LoadBalancer", Value: name }];
  const query = (Id: string, MetricName: string, Stat: string) => ({
    Id,
    MetricStat: { Metric: { Namespace: "AWS/ApplicationELB", MetricName, Dimensions: dimensions }, Period: 300, Stat },
  });
  const cloudWatch = new CloudWatchClient({
    endpoint: cluster.endpoint,
    region: "us-east-1",
    credentials: cluster.key,
    maxAttempts: 1,
  });
  const ask = (MetricDataQueries: ReturnType<typeof query>[]) =>
    cloudWatch.send(
      new GetMetricDataCommand({
        StartTime: new Date(Date.now() - 600_000),
        EndTime: new Date(Date.now() + 1000),
        MetricDataQueries,
      }),
    );
  const queries = [
    query("requests", "RequestCount", "Sum"),
    query("redirects", "HTTPCode_ELB_3XX_Count", "Sum"),
    query("missing", "HTTPCode_Target_4XX_Count", "Sum"),
    query("slowest", "TargetResponseTime", "p99"),
  ];
  const { MetricDataResults = [] } = await ask(queries);
  const sums = MetricDataResults.map(({ Values = [] }) => Values.reduce((a, b) => a + b, 0));
  assert.deepEqual(sums.slice(0, 3), [17, 3, 5]);
  assert.ok((sums[3] ?? 0) >= 0.288 && (sums[3] ?? 0) < 1, `${sums[3]} s`);
  await assert.rejects(
    ask([query("average", "RequestCount", "Average")]),
    /Of RequestCount Berth has the statistic Sum only/,
  );
  cloudWatch.destroy();

  const aws = (...args: string[]) =>
    new Promise<string>((resolve, reject) =>
      execFile(
        AWS,
        ["--endpoint-url", cluster.endpoint, "cloudwatch", ...args, "--output", "json"],
        { env: cluster.env },
        (error, out) => (error === null ? resolve(out) : reject(error)),
      ),
    );
  const start = new Date(Date.now() - 600_000).toISOString();
  const end = new Date(Date.now() + 1000).toISOString();
  const data = JSON.parse(
    await aws(
      "get-metric-data",
      "--start-time",
      start,
      "--end-time",
      end,
      "--metric-data-queries",
      JSON.stringify(queries),
    ),
  );
  const told: number[] = data.MetricDataResults[0].Values;
  assert.equal(
    told.reduce((a, b) => a + b, 0),
    17,
  );
  const listed = JSON.parse(
    await aws("list-metrics", "--namespace", "AWS/ApplicationELB", "--metric-name", "ProcessedBytes"),
  );
  assert.deepEqual(listed.Metrics[0].Dimensions, dimensions);
});

test("with access logs on, each request is a line in the directory that the bucket and the prefix name", async () => {
  const attributes = [
    { Key: "access_logs.s3.enabled", Value: "true" },
    { Key: "access_logs.s3.bucket", Value: "logs" },
    { Key: "access_logs.s3.prefix", Value: "web/a" },
  ];
  const modify = (Attributes: typeof attributes) =>
    cluster.elb.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: balancerArn, Attributes }));
  await assert.rejects(modify(attributes.slice(0, 1)), /bucket must be specified/);
  await modify(attributes);
  const dir = join(cluster.dataDir, "access-logs");
  const read = () => {
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = files.map((file) => {
      const bytes = readFileSync(join(file.parentPath, file.name));
      return (file.name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
    });
    return { paths: files.map((file) => join(file.parentPath, file.name)), text: texts.join("") };
  };
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`, { redirect: "manual" });
  // The first that is logged shows that the listener has it.
  await eventually("requests are logged", 10_000, async () => {
    await ask("/first");
    return read().text.includes("/first");
  });
  for (const path of ["/missing", "/old", "/slow"]) await ask(path);
  await eventually("all are logged", 5000, () => Promise.resolve(read().text.includes("/slow")));
  const { paths, text } = read();
  const day = new Date().toISOString().slice(0, 4);
  assert.match(
    paths[0] ?? "",
    new RegExp(
      `/access-logs/logs/web/a/AWSLogs/000000000000/elasticloadbalancing/us-east-1/${day}/\\d\\d/\\d\\d/000000000000_elasticloadbalancing_us-east-1_app\\.web\\.[0-9a-f]{16}_\\d{8}T\\d{4}Z_[0-9.]+_[0-9a-f]{8}\\.log`,
    ),
  );
  const line = (path: string) => text.split("\n").find((one) => one.includes(`:${port}${path} HTTP/1.1"`)) ?? "";
  assert.match(
    line("/missing"),
    new RegExp(
      `^http .* ${target} [0-9.]+ [0-9.]+ 0\\.000 404 404 .* 0 .* "forward" "-" "-" "${target}" "404" "-" "-" -$`,
    ),
  );
  assert.match(
    line("/old"),
    / - -1 -1 -1 301 - .* 1 \S+ "redirect" "http:\/\/127\.0\.0\.1:\d+\/new" "-" "-" "-" "-" "-" -$/,
  );
  const slow = Number(line("/slow").split(" ")[6]);
  assert.ok(slow >= 0.3, `${slow} s`);
  await modify([{ Key: "access_logs.s3.enabled", Value: "false" }]);
});
