import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AwsError } from "./errors.ts";
import { decodeJsonInput, encodeJson } from "./json.ts";
import { MAX_BODY_DEPTH, MAX_LIST_ITEMS } from "./limits.ts";
import { ecsModel } from "./model.ts";
import { sampleValue } from "./sample-value.ts";

function decode(operation: string, body: string | Uint8Array): unknown {
  return decodeJsonInput(ecsModel().operations.get(operation)!, Buffer.from(body));
}

const refusals: readonly { operation: string; body: string; code: string; message: string | RegExp }[] = [
  { operation: "RunTask", body: "{", code: "SerializationException", message: /^The request body is not valid JSON/ },
  {
    operation: "RunTask",
    body: "[]",
    code: "SerializationException",
    message: "START_ARRAY found where a structure was expected",
  },
  {
    operation: "RunTask",
    body: '"x"',
    code: "SerializationException",
    message: "STRING_VALUE found where a structure was expected",
  },
  { operation: "RunTask", body: "{}", code: "InvalidParameterException", message: "TaskDefinition can not be blank." },
  {
    operation: "RunTask",
    body: '{"taskDefinition":null}',
    code: "InvalidParameterException",
    message: "TaskDefinition can not be blank.",
  },
  { operation: "RegisterTaskDefinition", body: "{}", code: "ClientException", message: "Family can not be blank." },
  {
    operation: "RunTask",
    body: '{"taskDefinition":7}',
    code: "SerializationException",
    message: "NUMBER_VALUE can not be converted to a String (at taskDefinition)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","count":"2"}',
    code: "SerializationException",
    message: "STRING_VALUE can not be converted to an Integer (at count)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","count":1.5}',
    code: "SerializationException",
    message: "1.5 can not be converted to an Integer (at count)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","count":2147483648}',
    code: "SerializationException",
    message: "2147483648 is out of range for an Integer (at count)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","count":-2147483649}',
    code: "SerializationException",
    message: "-2147483649 is out of range for an Integer (at count)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","tags":{}}',
    code: "SerializationException",
    message: "START_OBJECT can not be converted to a List (at tags)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","tags":[null]}',
    code: "SerializationException",
    message: "null found where a list's item was expected (at tags[0])",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","overrides":[]}',
    code: "SerializationException",
    message: "START_ARRAY can not be converted to a TaskOverride (at overrides)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","enableECSManagedTags":"true"}',
    code: "SerializationException",
    message: "STRING_VALUE can not be converted to a Boolean (at enableECSManagedTags)",
  },
  {
    operation: "RunTask",
    body: '{"taskDefinition":"t","launchType":"ec2"}',
    code: "InvalidParameterException",
    message: "launch type should be one of [EC2,EXTERNAL,FARGATE,MANAGED_INSTANCES]",
  },
  {
    operation: "RegisterTaskDefinition",
    body: '{"family":"f","containerDefinitions":[{"portMappings":[{"protocol":"icmp"}]}]}',
    code: "ClientException",
    message: "containerDefinitions[0].portMappings[0].protocol should be one of [tcp,udp]",
  },
  {
    operation: "RegisterTaskDefinition",
    body: '{"family":"f","containerDefinitions":[{"dockerLabels":{"a":1}}]}',
    code: "SerializationException",
    message: "NUMBER_VALUE can not be converted to a String (at containerDefinitions[0].dockerLabels.a)",
  },
  {
    operation: "CreateService",
    body: '{"serviceName":"s","capacityProviderStrategy":[{"base":1}]}',
    code: "InvalidParameterException",
    message: "capacityProviderStrategy[0].capacityProvider can not be blank.",
  },
  {
    operation: "SubmitTaskStateChange",
    body: '{"executionStoppedAt":"2026-01-01T00:00:00Z"}',
    code: "SerializationException",
    message: "STRING_VALUE can not be converted to a Timestamp (at executionStoppedAt)",
  },
  {
    operation: "SubmitTaskStateChange",
    body: '{"executionStoppedAt":1e300}',
    code: "SerializationException",
    message: "1e+300 is out of range for a Timestamp (at executionStoppedAt)",
  },
];

for (const { operation, body, code, message } of refusals)
  test(`${operation} ${body} is refused as ${code}`, () => {
    assert.throws(
      () => decode(operation, body),
      (error: AwsError) => {
        assert.ok(typeof message === "string" ? error.message === message : message.test(error.message), error.message);
        assert.equal(error.code, code);
        return true;
      },
    );
  });

test("an empty body is an empty request; unknown members are ignored and null is absent", () => {
  assert.deepEqual(decode("ListClusters", ""), {});
  assert.deepEqual(decode("ListClusters", '{"nope":[[1]],"maxResults":null,"nextToken":"a"}'), { nextToken: "a" });
  assert.deepEqual(decode("TagResource", '{"resourceArn":"a","tags":[{"key":null,"value":"v"}]}'), {
    resourceArn: "a",
    tags: [{ value: "v" }],
  });
});

test("a map keeps keys that are names of Object's own, and no prototype is touched", () => {
  const decoded = decode(
    "RegisterTaskDefinition",
    '{"family":"f","containerDefinitions":[{"dockerLabels":{"__proto__":"a","constructor":"b","gone":null}}],"__proto__":{"cpu":"1"}}',
  ) as { containerDefinitions: { dockerLabels: object }[]; cpu?: string };
  assert.deepEqual(Object.entries(decoded.containerDefinitions[0]!.dockerLabels), [
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
  assert.equal(decoded.cpu, undefined);
});

test("times are Dates inside and epoch seconds on the wire", () => {
  const input = decode("SubmitTaskStateChange", '{"executionStoppedAt":1795000000.25}');
  assert.deepEqual(input, { executionStoppedAt: new Date(1_795_000_000_250) });
  const { input: shape } = ecsModel().operations.get("SubmitTaskStateChange")!;
  assert.equal(encodeJson(shape, input), '{"executionStoppedAt":1795000000.25}');
});

test("an output with a value of the wrong type is reported by its path, and members unknown to the shape are left out", () => {
  const { output } = ecsModel().operations.get("DescribeTasks")!;
  assert.equal(
    encodeJson(output, { tasks: [{ taskArn: "a", secret: 1 }], failures: undefined }),
    '{"tasks":[{"taskArn":"a"}]}',
  );
  assert.throws(
    () => encodeJson(output, { tasks: [{ createdAt: 5 }] }),
    /^TypeError: tasks\[0\].createdAt should be a valid Date/,
  );
  assert.throws(() => encodeJson(output, { tasks: [{ version: 1.5 }] }), /tasks\[0\].version should be an integer/);
});

test("hostile sizes are refused before they cost anything: nesting, long lists, many map entries", () => {
  const deep = `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  assert.throws(() => decode("ListClusters", deep), {
    code: "SerializationException",
    message: `The request body nests deeper than ${MAX_BODY_DEPTH} levels`,
  });
  const many = JSON.stringify({ tasks: Array.from({ length: 100_000 }, () => "a") });
  assert.throws(() => decode("DescribeTasks", many), {
    code: "InvalidParameterException",
    message: `tasks has 100000 items; at most ${MAX_LIST_ITEMS} are taken.`,
  });
  const labels = Object.fromEntries(Array.from({ length: MAX_LIST_ITEMS + 1 }, (_, index) => [`k${index}`, "v"]));
  const wide = JSON.stringify({ family: "f", containerDefinitions: [{ dockerLabels: labels }] });
  assert.throws(() => decode("RegisterTaskDefinition", wide), { code: "ClientException" });
  assert.deepEqual(decode("ListClusters", `{"nextToken":"${"[".repeat(1000)}\\"${"{".repeat(1000)}"}`), {
    nextToken: `${"[".repeat(1000)}"${"{".repeat(1000)}`,
  });
});

test("whatever JSON is sent, the answer is an input or an AwsError", () => {
  const operations = [...ecsModel().operations.values()];
  const seen = { taken: 0, refused: 0 };
  // Sound requests with one value exchanged for any JSON: pure noise would never get past the first member.
  const anyCase = fc.record({ operation: fc.constantFrom(...operations), noise: fc.jsonValue(), at: fc.nat() });
  fc.assert(
    fc.property(anyCase, ({ operation, noise, at }) => {
      const sound = JSON.parse(encodeJson(operation.input, sampleValue(operation.input)));
      const places: { holder: Record<string, unknown>; key: string }[] = [];
      const walk = (value: unknown) => {
        if (typeof value !== "object" || value === null) return;
        for (const key of Object.keys(value)) {
          places.push({ holder: value as Record<string, unknown>, key });
          walk((value as Record<string, unknown>)[key]);
        }
      };
      walk(sound);
      const place = places[at % Math.max(1, places.length)];
      if (place !== undefined) place.holder[place.key] = noise;
      try {
        decodeJsonInput(operation, Buffer.from(JSON.stringify(sound)));
        seen.taken++;
      } catch (error) {
        assert.ok(error instanceof AwsError && error.httpStatus === 400, String(error));
        seen.refused++;
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(seen.taken > 0 && seen.refused > 0);
});

test("whatever bytes are sent, the answer is an input or an AwsError", () => {
  const operation = ecsModel().operations.get("ListTasks")!;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        try {
          decodeJsonInput(operation, bytes);
        } catch (error) {
          assert.ok(error instanceof AwsError && error.code === "SerializationException", String(error));
        }
      },
    ),
  );
});
