import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as logsSdk from "@aws-sdk/client-cloudwatch-logs";
import * as ecsSdk from "@aws-sdk/client-ecs";
import * as elbv2Sdk from "@aws-sdk/client-elastic-load-balancing-v2";
import { systemClock } from "../runtime/clock.ts";
import { type AwsClient, createAwsClient } from "./client.ts";
import { AwsError } from "./errors.ts";
import { ecsModel, elbv2Model, logsModel, type ServiceModel } from "./model.ts";
import { sampleValue } from "./sample-value.ts";
import { RIG_KEY, RIG_REGION, startWireRig, type WireRig } from "./wire-rig.ts";

/** How a client of one kind calls any operation. */
type Caller = (operation: string, input: unknown) => Promise<unknown>;

let rig: WireRig;
let own: AwsClient;
let seen: unknown;
let reply: (model: string, operation: string) => unknown;

before(async () => {
  rig = await startWireRig((service, operation, input) => {
    seen = input;
    return reply(service, operation);
  });
  const { endpoint } = rig;
  own = createAwsClient({
    endpoint,
    region: RIG_REGION,
    credentials: RIG_KEY,
    clock: systemClock(),
    userAgent: "test",
  });
});
after(async () => {
  own.close();
  await rig.close();
});

function sdkCaller(sdk: Readonly<Record<string, unknown>>, clientName: string): Caller {
  type Sender = { send(command: object): Promise<object> };
  const Client = sdk[clientName] as new (config: object) => Sender;
  const client = new Client({ region: RIG_REGION, endpoint: rig.endpoint, maxAttempts: 1, credentials: RIG_KEY });
  return async (operation, input) => {
    const Command = sdk[`${operation}Command`] as new (input: unknown) => object;
    const { $metadata: _metadata, ...output } = (await client.send(new Command(input))) as Record<string, unknown>;
    return output;
  };
}

const callers: readonly { name: string; model: ServiceModel; make: () => Caller }[] = [
  { name: "the SDK's ECS client", model: ecsModel(), make: () => sdkCaller(ecsSdk, "ECSClient") },
  {
    name: "the SDK's ELBv2 client",
    model: elbv2Model(),
    make: () => sdkCaller(elbv2Sdk, "ElasticLoadBalancingV2Client"),
  },
  {
    name: "our own client, for Logs",
    model: logsModel(),
    make: () => (op, input) => own.logs(op as "GetLogEvents", input as never),
  },
  { name: "the SDK's Logs client", model: logsModel(), make: () => sdkCaller(logsSdk, "CloudWatchLogsClient") },
  {
    name: "our own client, for ECS",
    model: ecsModel(),
    make: () => (op, input) => own.ecs(op as "RunTask", input as never),
  },
  {
    name: "our own client, for ELBv2",
    model: elbv2Model(),
    make: () => (op, input) => own.elbv2(op as "CreateRule", input as never),
  },
];

/** Bytes of either kind compare as lists of numbers; members that are undefined are left out. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (value instanceof Date || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, plain(inner)]])),
  );
}

for (const { name, model, make } of callers) {
  test(`every operation of ${name} comes through with every member, both ways`, async () => {
    const call = make();
    reply = (_, operation) => sampleValue(model.operations.get(operation)!.output, 1);
    for (const operation of model.operations.values()) {
      const input = sampleValue(operation.input);
      const output = await call(operation.name, input);
      assert.deepEqual(plain(seen), plain(input), `${operation.name}: input`);
      assert.deepEqual(plain(output), plain(sampleValue(operation.output, 1)), `${operation.name}: output`);
    }
    assert.deepEqual(rig.errors, []);
  });

  test(`every error of every operation is rebuilt by ${name}, with its members`, async () => {
    const call = make();
    for (const operation of model.operations.values())
      for (const errorName of operation.errors) {
        const error = model.errors.get(errorName)!;
        const { message: _m, Message: _M, ...members } = sampleValue(error.shape) as Record<string, unknown>;
        reply = () => {
          throw new AwsError(errorName, "no & such <thing>", { members });
        };
        await assert.rejects(
          call(operation.name, sampleValue(operation.input)),
          (caught: Error & Record<string, unknown>) => {
            assert.equal(caught.name, errorName);
            assert.equal(caught.message, "no & such <thing>");
            const rebuilt = caught instanceof AwsError ? caught.members : caught;
            for (const [key, value] of Object.entries(members))
              assert.deepEqual(rebuilt[key], value, `${errorName}.${key}`);
            const sdkMetadata = caught.$metadata as { httpStatusCode?: number } | undefined;
            const status = caught instanceof AwsError ? caught.httpStatus : sdkMetadata?.httpStatusCode;
            assert.equal(status, error.status);
            return true;
          },
        );
      }
  });
}
