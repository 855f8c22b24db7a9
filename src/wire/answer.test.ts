import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ECSClient, ListClustersCommand } from "@aws-sdk/client-ecs";
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from "@aws-sdk/client-elastic-load-balancing-v2";
import { answerUnavailable } from "./answer.ts";
import { RIG_KEY, RIG_REGION } from "./wire-rig.ts";

/** A server that is starting for as many requests as `times`, and then answers `body`. */
async function starting(times: number, body: string): Promise<{ endpoint: string; seen: () => number; close(): void }> {
  let seen = 0;
  const server = http.createServer((request, response) => {
    request.resume();
    if (++seen <= times) answerUnavailable(request, response, "The control plane is starting.");
    else response.writeHead(200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    seen: () => seen,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const settings = (endpoint: string, maxAttempts: number) => ({
  endpoint,
  region: RIG_REGION,
  credentials: RIG_KEY,
  maxAttempts,
});

test("the SDKs try again by themselves while a server is starting", async () => {
  const json = await starting(2, `{"clusterArns":["one"]}`);
  const ecs = new ECSClient(settings(json.endpoint, 3));
  const xml = await starting(1, "<R><DescribeLoadBalancersResult><LoadBalancers/></DescribeLoadBalancersResult></R>");
  const elb = new ElasticLoadBalancingV2Client(settings(xml.endpoint, 3));
  try {
    assert.deepEqual((await ecs.send(new ListClustersCommand({}))).clusterArns, ["one"]);
    assert.equal(json.seen(), 3);
    assert.deepEqual((await elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers, []);
    assert.equal(xml.seen(), 2);
  } finally {
    ecs.destroy();
    elb.destroy();
    json.close();
    xml.close();
  }
});

test("a server that is starting says so in AWS's form, and in plain words to anyone else", async () => {
  const server = await starting(3, "");
  const ecs = new ECSClient(settings(server.endpoint, 1));
  const elb = new ElasticLoadBalancingV2Client(settings(server.endpoint, 1));
  try {
    const check = (name: string) => (error: Error & { $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.name, name);
      assert.equal(error.message, "The control plane is starting.");
      assert.equal(error.$metadata.httpStatusCode, 503);
      return true;
    };
    await assert.rejects(ecs.send(new ListClustersCommand({})), check("ServiceUnavailableException"));
    await assert.rejects(elb.send(new DescribeLoadBalancersCommand({})), check("ServiceUnavailable"));
    const health = await fetch(`${server.endpoint}/healthz`);
    assert.deepEqual([health.status, await health.text()], [503, "The control plane is starting.\n"]);
  } finally {
    ecs.destroy();
    elb.destroy();
    server.close();
  }
});
