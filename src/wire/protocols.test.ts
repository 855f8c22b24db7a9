import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CloudWatchClient, InvalidParameterValueException, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import { AwsSmithyRpcV2CborProtocol } from "@aws-sdk/core/protocols";
import { AwsError } from "./errors.ts";
import { signRequest } from "./sigv4.ts";
import { RIG_KEY, RIG_REGION, startWireRig, type WireRig } from "./wire-rig.ts";

let rig: WireRig;
const clients: CloudWatchClient[] = [];
before(async () => {
  rig = await startWireRig((service, operation, input) => {
    const { Namespace } = input as { readonly Namespace?: string };
    if (Namespace === "refused") throw new AwsError("InvalidParameterValueException", "no");
    return { Metrics: [{ Namespace, MetricName: `${service} ${operation}` }] };
  });
});
after(async () => {
  for (const client of clients) client.destroy();
  await rig.close();
});

function client(more: object = {}): CloudWatchClient {
  const made = new CloudWatchClient({
    endpoint: rig.endpoint,
    region: RIG_REGION,
    credentials: RIG_KEY,
    maxAttempts: 1,
    ...more,
  });
  clients.push(made);
  return made;
}

async function send(path: string, body: string, headers: Record<string, string>) {
  const url = new URL(path, rig.endpoint);
  const scope = { credentials: RIG_KEY, region: RIG_REGION, service: "monitoring", now: Date.now() };
  const signed = signRequest({ method: "POST", url, body, headers, ...scope });
  const answer = await fetch(url, { method: "POST", body, headers: signed });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const query = (namespace: string) =>
  send("/", `Action=ListMetrics&Version=2010-08-01&Namespace=${namespace}`, {
    "content-type": "application/x-www-form-urlencoded",
  });

for (const [protocol, more] of [
  ["AWS JSON 1.0", {}],
  ["Smithy RPC v2 CBOR", { protocol: AwsSmithyRpcV2CborProtocol }],
] as const)
  test(`a service of Query speaks ${protocol} with SDKs that do`, async () => {
    const { Metrics } = await client(more).send(new ListMetricsCommand({ Namespace: "a" }));
    assert.deepEqual(Metrics, [{ Namespace: "a", MetricName: "cloudwatch ListMetrics" }]);
    const refused = client(more).send(new ListMetricsCommand({ Namespace: "refused" }));
    await assert.rejects(refused, (error) => error instanceof InvalidParameterValueException && error.message === "no");
  });

test("and Query with those that have not moved", async () => {
  const { headers, text } = await query("a");
  assert.equal(headers.get("content-type"), "text/xml");
  assert.match(text, /<MetricName>cloudwatch ListMetrics<\/MetricName>/);
  assert.match((await query("refused")).text, /<Code>InvalidParameterValue<\/Code>/);
});

test("a refusal says Query's code beside that of the protocol", async () => {
  const { status, headers, text } = await send("/", '{"Namespace":"refused"}', {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "GraniteServiceVersion20100801.ListMetrics",
  });
  assert.equal(status, 400);
  assert.equal(headers.get("content-type"), "application/x-amz-json-1.0");
  assert.deepEqual(JSON.parse(text), { __type: "InvalidParameterValueException", message: "no" });
  assert.equal(headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
});

test("CBOR that is none, and an operation that there is not, are refused in CBOR; a service without it is not there", async () => {
  const path = "/service/GraniteServiceVersion20100801/operation/";
  for (const [operation, body, code] of [
    ["ListMetrics", "\u001f", "SerializationException"],
    ["DropMetrics", "", "UnknownOperationException"],
  ] as const) {
    const { status, headers, text } = await send(path + operation, body, { "content-type": "application/cbor" });
    assert.equal(status, 400);
    assert.equal(headers.get("smithy-protocol"), "rpc-v2-cbor");
    assert.ok(text.includes(code), text);
  }
  const other = await send("/service/AmazonEC2ContainerServiceV20141113/operation/ListClusters", "", {});
  assert.equal(other.status, 404);
});
