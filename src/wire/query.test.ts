import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AwsError } from "./errors.ts";
import { parseForm } from "./form.ts";
import { elbv2Model } from "./model.ts";
import { decodeQueryInput, encodeQueryInput } from "./query.ts";
import { sampleValue } from "./sample-value.ts";

function decode(operation: string, form: string): unknown {
  return decodeQueryInput(elbv2Model().operations.get(operation)!, parseForm(Buffer.from(form)));
}

test("parameters become the operation's input", () => {
  assert.deepEqual(
    decode(
      "CreateTargetGroup",
      "Name=tg&Port=80&HealthCheckEnabled=TRUE&Matcher.HttpCode=200-299&Tags.member.1.Key=a+b&Tags.member.1.Value=%C3%A9&Nope=1",
    ),
    {
      Name: "tg",
      Port: 80,
      HealthCheckEnabled: true,
      Matcher: { HttpCode: "200-299" },
      Tags: [{ Key: "a b", Value: "é" }],
    },
  );
});

test("list items come in the order of their numbers, with or without gaps; an empty value is the empty list", () => {
  assert.deepEqual(decode("DescribeTargetGroups", "Names.member.10=b&Names.member.2=a"), { Names: ["a", "b"] });
  assert.deepEqual(decode("DescribeTargetGroups", "Names="), { Names: [] });
  assert.deepEqual(decode("DescribeTargetGroups", "Names.1=a"), { Names: ["a"] });
});

const refusals: readonly { operation: string; form: string; code: string; message: RegExp }[] = [
  {
    operation: "DeleteTargetGroup",
    form: "",
    code: "ValidationError",
    message:
      /^1 validation error detected: Value null at 'targetGroupArn' failed to satisfy constraint: Member must not be null$/,
  },
  {
    operation: "CreateTargetGroup",
    form: "Name=a&Port=eighty&Protocol=FTP",
    code: "ValidationError",
    message:
      /^2 validation errors detected: .*'FTP' at 'protocol'.*enum value set: \[.*HTTP.*\]; Value 'eighty' at 'port'/,
  },
  {
    operation: "CreateTargetGroup",
    form: "Name=a&Port=4294967296",
    code: "ValidationError",
    message: /32-bit integer/,
  },
  {
    operation: "CreateTargetGroup",
    form: "Name=a&HealthCheckEnabled=yes",
    code: "ValidationError",
    message: /'yes' at 'healthCheckEnabled'.*must be a boolean/,
  },
  {
    operation: "AddTags",
    form: "ResourceArns.member.1=a&Tags.member.1.Value=v",
    code: "ValidationError",
    message: /Value null at 'tags.1.member.key'/,
  },
  {
    operation: "DescribeTargetGroups",
    form: "Names.member.1=%zz",
    code: "MalformedQueryString",
    message: /syntax error/,
  },
  {
    operation: "DescribeTargetGroups",
    form: "Names.member.1=a&Names.member.1=b",
    code: "MalformedQueryString",
    message: /more than once/,
  },
  { operation: "DescribeTargetGroups", form: "A.".repeat(100), code: "ValidationError", message: /parts/ },
  {
    operation: "DescribeTargetGroups",
    form: Array.from({ length: 100_000 }, (_, i) => `Names.member.${i}=a`).join("&"),
    code: "ValidationError",
    message: /more than 20000 parameters/,
  },
  {
    operation: "DescribeTargetGroups",
    form: Array.from({ length: 15_000 }, (_, i) => `Names.member.${i}=a`).join("&"),
    code: "ValidationError",
    message: /length less than or equal to 10000/,
  },
];

for (const { operation, form, code, message } of refusals)
  test(`${operation} with ${form.slice(0, 60) || "nothing"} is refused as ${code}`, () => {
    assert.throws(
      () => decode(operation, form),
      (error: AwsError) => {
        assert.match(error.message, message);
        assert.equal(error.code, code);
        return true;
      },
    );
  });

test("whatever form is sent, the answer is an input or an AwsError", () => {
  const operations = [...elbv2Model().operations.values()];
  const seen = { taken: 0, refused: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...operations), fc.nat(), fc.string(), fc.boolean(), (operation, at, noise, inName) => {
      const parameters = encodeQueryInput(operation.input, sampleValue(operation.input));
      const place = parameters[at % Math.max(1, parameters.length)];
      if (place !== undefined) place[inName ? 0 : 1] += noise;
      const text = new URLSearchParams(parameters).toString() + (inName ? noise : "");
      try {
        decodeQueryInput(operation, parseForm(Buffer.from(text)));
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
