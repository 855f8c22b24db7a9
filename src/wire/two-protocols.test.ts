import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AwsError } from "./errors.ts";
import { signRequest } from "./sigv4.ts";
import { RIG_KEY, RIG_REGION, startWireRig, type WireRig } from "./wire-rig.ts";

let rig: WireRig;
before(async () => {
  rig = await startWireRig((service, operation, input) => {
    const { Namespace } = input as { readonly Namespace?: string };
    if (Namespace === "refused") throw new AwsError("InvalidParameterValueException", "no");
    return { Metrics: [{ Namespace, MetricName: `${service} ${operation}` }] };
  });
});
after(() => rig.close());

async function send(body: string, headers: Record<string, string>) {
  const url = new URL(rig.endpoint);
  const now = Date.now();
  const scope = { credentials: RIG_KEY, region: RIG_REGION, service: "monitoring", now };
  const answer = await fetch(url, {
    method: "POST",
    body,
    headers: signRequest({ method: "POST", url, body, headers, ...scope }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const json = (body: object) =>
  send(JSON.stringify(body), {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "GraniteServiceVersion20100801.ListMetrics",
  });
const query = (namespace: string) =>
  send(`Action=ListMetrics&Version=2010-08-01&Namespace=${namespace}`, {
    "content-type": "application/x-www-form-urlencoded",
  });

test("a service of two protocols answers each call in the one that it came by", async () => {
  const asJson = await json({ Namespace: "a" });
  assert.equal(asJson.headers.get("content-type"), "application/x-amz-json-1.0");
  assert.deepEqual(JSON.parse(asJson.text), { Metrics: [{ Namespace: "a", MetricName: "cloudwatch ListMetrics" }] });
  const asQuery = await query("a");
  assert.equal(asQuery.headers.get("content-type"), "text/xml");
  assert.match(asQuery.text, /<MetricName>cloudwatch ListMetrics<\/MetricName>/);
});

test("it refuses by the name that each protocol has for the exception", async () => {
  const asJson = await json({ Namespace: "refused" });
  assert.equal(asJson.status, 400);
  assert.deepEqual(JSON.parse(asJson.text), { __type: "InvalidParameterValueException", message: "no" });
  assert.equal(asJson.headers.get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  assert.match((await query("refused")).text, /<Code>InvalidParameterValue<\/Code>/);
});
