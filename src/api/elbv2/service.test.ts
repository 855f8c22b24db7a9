import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import type { ApiContext } from "../context.ts";
import { TEST_CALL, testContext } from "../ecs/testing.ts";
import { inputsOf } from "../sample-inputs.ts";
import { createElbV2Service } from "./service.ts";

const CALL = { ...TEST_CALL, signal: new AbortController().signal };

/** The ARN of every resource that an input can name, made by calls. */
async function resources(context: ApiContext): Promise<Readonly<Record<string, unknown>>> {
  const service = createElbV2Service(context);
  const call = async (operation: string, input: object) =>
    Object.values((await service.call(operation, input, CALL)) as object)[0][0] as Record<string, string>;
  const { LoadBalancerArn } = await call("CreateLoadBalancer", { Name: "web" });
  const { TargetGroupArn } = await call("CreateTargetGroup", { Name: "web", Protocol: "HTTP", Port: 80 });
  const DefaultActions = [{ Type: "forward", TargetGroupArn }];
  const listener = { LoadBalancerArn, Protocol: "HTTP", Port: 8080, DefaultActions };
  const { ListenerArn } = await call("CreateListener", listener);
  return { LoadBalancerArn, TargetGroupArn, ListenerArn, ResourceArns: [LoadBalancerArn] };
}

test("whatever an operation is called with, it answers or refuses with an exception that its model lists", async () => {
  let refusals = 0;
  const { model } = createElbV2Service(await testContext());
  for (const operation of model.operations.values()) {
    for (const input of inputsOf(operation)) {
      const context = await testContext();
      const service = createElbV2Service(context);
      if (!service.has(operation.name)) continue;
      const named = await resources(context);
      const given = input as Record<string, unknown>;
      const real = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, named[name] ?? value]));
      for (const tried of [given, real]) {
        try {
          await service.call(operation.name, tried, CALL);
        } catch (error) {
          assert.ok(error instanceof AwsError, `${operation.name}: ${(error as Error).stack}`);
          const { code, message } = error;
          assert.ok(isDeclaredError(model, operation, error), `${operation.name}: ${code}: ${message}`);
          refusals++;
        }
      }
    }
  }
  assert.ok(refusals > 50, String(refusals));
});
