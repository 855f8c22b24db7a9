import assert from "node:assert/strict";
import http from "node:http";
import { after, before, test } from "node:test";
import { CreateClusterCommand, ListClustersCommand } from "@aws-sdk/client-ecs";
import { ecsModel, elbv2Model, type Member, type Shape } from "../src/wire/model.ts";
import { signRequest } from "../src/wire/sign.ts";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { get } from "./rig/load.ts";

const MIB = 1024 * 1024;

let cluster: Cluster;
let revision: string;
let pid: number;

before(async () => {
  cluster = await startCluster({ hosts: 0 });
  await cluster.ecs.send(new CreateClusterCommand({}));
  revision = await storeRevision();
  pid = cluster.serverPid();
});
after(() => cluster?.close());

test("a wrong type in any field of any ECS operation is a SerializationException", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  let tried = 0;
  for (const operation of ecsModel().operations.values()) {
    const bodies = wrongBodies(operation.input, 3);
    for (let at = 0; at < bodies.length; at += 8) {
      const batch = bodies.slice(at, at + 8);
      const answers = await Promise.all(batch.map((body) => ecsCall(operation.name, JSON.stringify(body), agent)));
      for (const [i, answer] of answers.entries()) {
        tried += 1;
        const seen = `${operation.name} ${JSON.stringify(batch[i])} -> ${answer.status} ${answer.body}`;
        assert.equal(answer.status, 400, seen);
        assert.equal(JSON.parse(answer.body).__type, "SerializationException", seen);
      }
    }
  }
  agent.destroy();
  console.log(`${tried} fields tried`);
  assert.ok(tried > 500, `only ${tried} fields were tried`);
  await unchanged();
});

test("a wrong type in any field of any ELBv2 operation is a clear error", async () => {
  for (const operation of elbv2Model().operations.values()) {
    const members = operation.input.type === "structure" ? operation.input.members : [];
    for (const { wireName, shape } of members) {
      if (!["integer", "long", "double", "boolean", "timestamp"].includes(shape.type)) continue;
      const form = new URLSearchParams({
        Action: operation.name,
        Version: "2015-12-01",
        [wireName]: "no such value",
      }).toString();
      const answer = await call({ service: "elasticloadbalancing", headers: FORM, body: form });
      assert.equal(answer.status, 400, `${operation.name}.${wireName}: ${answer.status} ${answer.body}`);
      assert.match(answer.body, /<Code>\w+<\/Code>/);
    }
  }
  await unchanged();
});

test("bodies that are not JSON, too deep or too long are refused clearly", async () => {
  const cases: readonly (readonly [string, string, number, RegExp])[] = [
    ["nothing", "", 400, /Exception/],
    ["not JSON", "{", 400, /SerializationException/],
    ["a list", "[]", 400, /SerializationException/],
    ["a number", "1", 400, /SerializationException/],
    ["bytes", "\u0000\u0001", 400, /SerializationException/],
    ["deep nesting", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 400, /SerializationException/],
    ["100,000 items", JSON.stringify({ tasks: Array.from({ length: 100_000 }, () => "x") }), 400, /Exception/],
    ["10 MB", JSON.stringify({ cluster: "x".repeat(10 * MIB) }), 413, /RequestEntityTooLarge/],
  ];
  for (const [what, body, status, type] of cases) {
    const answer = await ecsCall("DescribeTasks", body);
    assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.body.slice(0, 200)}`);
    assert.match(answer.body, type, what);
  }
  await unchanged();
});

test("unknown operations, targets and broken signatures get AWS's exceptions", async () => {
  const unknown = await call({
    service: "ecs",
    headers: json("AmazonEC2ContainerServiceV20141113.MakeCoffee"),
    body: "{}",
  });
  assert.match(unknown.body, /UnknownOperationException/);
  const nowhere = await call({ service: "ecs", headers: json("SomeOther.ListClusters"), body: "{}" });
  assert.match(nowhere.body, /UnknownOperationException/);
  const wrongSecret = await call({ service: "ecs", headers: LIST, body: "{}", secret: "wrong" });
  assert.match(wrongSecret.body, /InvalidSignatureException/);
  const tampered = await call({ service: "ecs", headers: LIST, body: "{}", sent: '{"maxResults":1}' });
  assert.match(tampered.body, /InvalidSignatureException/);
  const wrongKey = await call({ service: "ecs", headers: LIST, body: "{}", accessKeyId: "AKIDNOBODY" });
  assert.match(wrongKey.body, /UnrecognizedClientException/);
  const old = await call({ service: "ecs", headers: LIST, body: "{}", now: Date.now() - 3_600_000 });
  assert.match(old.body, /InvalidSignatureException.*expired/i);
  const unsigned = await send(LIST, "{}");
  assert.match(unsigned.body, /MissingAuthenticationTokenException/);
  const garbled = await send({ ...LIST, authorization: "AWS4-HMAC-SHA256 nonsense" }, "{}");
  assert.match(garbled.body, /IncompleteSignature/);
  await unchanged();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const json = (target: string) => ({ "content-type": "application/x-amz-json-1.1", "x-amz-target": target });
const LIST = json("AmazonEC2ContainerServiceV20141113.ListClusters");

const ecsCall = (operation: string, body: string, agent?: http.Agent) =>
  call({ service: "ecs", headers: json(`AmazonEC2ContainerServiceV20141113.${operation}`), body, agent });

function call(what: {
  readonly service: string;
  readonly headers: Record<string, string>;
  /** What is signed. */
  readonly body: string;
  /** What is sent in its place. */
  readonly sent?: string;
  readonly secret?: string;
  readonly accessKeyId?: string;
  readonly now?: number;
  readonly agent?: http.Agent;
}): Promise<Answer> {
  const headers = signRequest({
    method: "POST",
    url: new URL("/", cluster.endpoint),
    headers: what.headers,
    body: what.body,
    credentials: {
      accessKeyId: what.accessKeyId ?? cluster.key.accessKeyId,
      secretAccessKey: what.secret ?? cluster.key.secretAccessKey,
    },
    region: "us-east-1",
    service: what.service,
    now: what.now ?? Date.now(),
  });
  return send(headers, what.sent ?? what.body, what.agent);
}

function send(headers: Record<string, string>, body: string, agent?: http.Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(cluster.endpoint, { method: "POST", headers, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    // A body that is refused before it was sent whole: the answer counts, not the broken pipe behind it.
    request.on(
      "error",
      (error: NodeJS.ErrnoException) => error.code !== "EPIPE" && error.code !== "ECONNRESET" && reject(error),
    );
    request.end(body);
  });
}

/** Bodies in each of which exactly one member, at most `depth` levels down, has a type it must not have. */
function wrongBodies(shape: Shape, depth: number): unknown[] {
  if (shape.type !== "structure") return [];
  return shape.members.flatMap((member: Member) =>
    wrongValues(member.shape, depth).map((value) => ({ [member.name]: value })),
  );
}

function wrongValues(shape: Shape, depth: number): unknown[] {
  const own = shape.type === "list" ? "text" : shape.type === "structure" || shape.type === "map" ? [1] : {};
  if (depth <= 1) return [own];
  if (shape.type === "structure") return [own, ...wrongBodies(shape, depth - 1)];
  if (shape.type === "list") return [own, ...wrongValues(shape.item, depth - 1).map((v) => [v])];
  if (shape.type === "map") return [own, ...wrongValues(shape.value, depth - 1).map((v) => ({ key: v }))];
  return [own];
}

async function storeRevision(): Promise<string> {
  return /^berth_store_revision (\d+)$/m.exec(await get(`${cluster.endpoint}/metrics`))?.[1] ?? "none";
}

/** The server is the same process, it answers, and nothing was written. */
async function unchanged(): Promise<void> {
  assert.equal(cluster.serverPid(), pid);
  const { clusterArns } = await cluster.ecs.send(new ListClustersCommand({}));
  assert.equal(clusterArns?.length, 1);
  assert.equal(await storeRevision(), revision);
}
