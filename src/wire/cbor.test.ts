import assert from "node:assert/strict";
import { test } from "node:test";
import { cbor } from "@smithy/core/cbor";
import fc from "fast-check";
import { encodeCbor, encodeCborTexts, parseCbor } from "./cbor.ts";
import { AwsError } from "./errors.ts";
import { cloudWatchModel } from "./model.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

// Source: RFC 8949, appendix A.
for (const [hex, value] of [
  ["00", 0],
  ["17", 23],
  ["1818", 24],
  ["1903e8", 1000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3903e7", -1000],
  ["f93c00", 1],
  ["f97bff", 65_504],
  ["fa47c35000", 100_000],
  ["fb3ff199999999999a", 1.1],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["c1fb41d452d9ec200000", 1_363_896_240.5],
  ["4401020304", "AQIDBA=="],
  ["64f0908591", "𐅑"],
  ["83010203", [1, 2, 3]],
  ["a26161016162820203", { a: 1, b: [2, 3] }],
  ["5f42010243030405ff", "AQIDBAU="],
  ["7f657374726561646d696e67ff", "streaming"],
  ["9f018202039f0405ffff", [1, [2, 3], [4, 5]]],
  ["bf61610161629f0203ffff", { a: 1, b: [2, 3] }],
  ["", {}],
] as const)
  test(`CBOR ${hex || "(nothing)"} is ${JSON.stringify(value)}`, () => assert.deepEqual(parseCbor(bytes(hex)), value));

for (const [what, hex] of [
  ["ends too early", "1903"],
  ["is two values", "0000"],
  ["is the end of nothing", "ff"],
  ["has a number of no length", "1f"],
  ["has a length of no form", "1c"],
  ["has a simple value of no kind", "e0"],
  ["has a key that is no text", "a10102"],
  ["has a key without a value", "bf6161ff"],
  ["has a list that ends too early", "8201ff"],
  ["has a text that is not UTF-8", "61ff"],
  ["has a string with a piece of another kind", "7f4101ff"],
  ["has a time that is no number", "c16161"],
  ["has a list longer than there are bytes", "9bffffffffffffffff"],
  ["nests too deep", "81".repeat(1000)],
] as const)
  test(`CBOR that ${what} is refused`, () =>
    assert.throws(
      () => parseCbor(bytes(hex)),
      (error) => error instanceof AwsError && error.code === "SerializationException",
    ));

test("a value that nests too deep is refused for that, and for nothing else", () => {
  const nested = (depth: number) => bytes(`${"81".repeat(depth)}00`);
  assert.throws(() => parseCbor(nested(5000)), /nests deeper than/);
  assert.doesNotThrow(() => parseCbor(nested(10)));
});

test("whatever bytes come, they are a value or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
      try {
        parseCbor(body);
      } catch (error) {
        assert.ok(error instanceof AwsError, String(error));
      }
    }),
  );
});

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ maxLength: 5 }).filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

test("what the official SDK writes is read as it was", () => {
  fc.assert(fc.property(json, (value) => assert.deepEqual(parseCbor(cbor.serialize(value)), normal(value))));
});

/** JSON has one zero, and objects with a prototype. */
const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value), (_, inner) => (inner === 0 ? 0 : inner));

test("what is written is read by the official SDK as it was", () => {
  const shape = cloudWatchModel().operations.get("GetMetricData")?.output ?? assert.fail();
  const at = new Date(1_795_685_434_940);
  const result = {
    Id: "a",
    Label: "b".repeat(300),
    Timestamps: [at],
    Values: [1, -0.25, 1e300],
    StatusCode: "Complete",
  };
  const told = cbor.deserialize(encodeCbor(shape, { MetricDataResults: [result], Unknown: 1 }));
  const seconds = { tag: 1, value: at.getTime() / 1000 };
  assert.deepEqual(JSON.parse(JSON.stringify(told)), { MetricDataResults: [{ ...result, Timestamps: [seconds] }] });
  const statistics = cloudWatchModel().operations.get("GetMetricStatistics")?.input ?? assert.fail();
  for (const Period of [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 31 - 1, -1, -25])
    assert.deepEqual({ ...cbor.deserialize(encodeCbor(statistics, { Period })) }, { Period });
  assert.deepEqual(
    { ...cbor.deserialize(encodeCborTexts({ __type: "a", message: "é" })) },
    { __type: "a", message: "é" },
  );
});
