import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeclaredError } from "../../wire/common-errors.ts";
import { AwsError } from "../../wire/errors.ts";
import { inputsOf } from "../sample-inputs.ts";
import { createCluster } from "./clusters/clusters.ts";
import { createEcsService } from "./service.ts";
import { TEST_CALL, testContext } from "./testing.ts";

const CALL = { ...TEST_CALL, signal: new AbortController().signal };

test("an operation that is not carried out is refused by its name, with an exception that its model lists", async () => {
  const service = createEcsService(await testContext());
  const seen = new Set<string>();
  for (const operation of service.model.operations.values()) {
    if (service.has(operation.name)) continue;
    const error = await service.call(operation.name, {}, CALL).then(
      () => assert.fail(`${operation.name} was answered`),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AwsError);
    assert.equal(error.message, `Berth does not carry out the ECS operation ${operation.name}.`);
    assert.ok(isDeclaredError(service.model, operation, error), `${operation.name} may not answer ${error.code}`);
    seen.add(error.code);
  }
  assert.deepEqual([...seen].sort(), ["InvalidParameterException", "UnsupportedFeatureException"]);
});

test("whatever an operation is called with, it answers or refuses with an exception that its model lists", async () => {
  let refusals = 0;
  for (const withCluster of [false, true]) {
    const context = await testContext();
    const service = createEcsService(context);
    if (withCluster) await createCluster(context, {}, TEST_CALL);
    for (const operation of service.model.operations.values()) {
      if (!service.has(operation.name)) continue;
      for (const input of inputsOf(operation)) {
        try {
          await service.call(operation.name, input, CALL);
        } catch (error) {
          assert.ok(error instanceof AwsError, `${operation.name}: ${(error as Error).stack}`);
          const { code, message } = error;
          assert.ok(isDeclaredError(service.model, operation, error), `${operation.name}: ${code}: ${message}`);
          refusals++;
        }
      }
    }
  }
  assert.ok(refusals > 50);
});
