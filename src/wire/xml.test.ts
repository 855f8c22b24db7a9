import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { elbv2Model } from "./model.ts";
import { decodeXmlOutput, encodeXmlError, encodeXmlOutput } from "./xml-output.ts";
import { parseXml } from "./xml-reader.ts";

const model = elbv2Model();
const describe = model.operations.get("DescribeTargetGroups")!;

test("a response is written as ELBv2 writes it", () => {
  const output = { TargetGroups: [{ TargetGroupName: "tg & co", Port: 80, LoadBalancerArns: [] }] };
  assert.equal(
    encodeXmlOutput(model, describe, output, "rid"),
    '<DescribeTargetGroupsResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeTargetGroupsResult>' +
      "<TargetGroups><member><TargetGroupName>tg &amp; co</TargetGroupName><Port>80</Port><LoadBalancerArns></LoadBalancerArns></member></TargetGroups>" +
      "</DescribeTargetGroupsResult><ResponseMetadata><RequestId>rid</RequestId></ResponseMetadata></DescribeTargetGroupsResponse>",
  );
});

test("an error says whose fault it is", () => {
  const error = { code: "TargetGroupNotFound", status: 400, message: "a<b", members: {} };
  assert.match(
    encodeXmlError(model, error, "rid"),
    /<Type>Sender<\/Type><Code>TargetGroupNotFound<\/Code><Message>a&lt;b<\/Message>/,
  );
  assert.match(encodeXmlError(model, { ...error, status: 500 }, "rid"), /<Type>Receiver<\/Type>/);
});

test("an output with a value of the wrong type is reported by its element", () => {
  assert.throws(
    () => encodeXmlOutput(model, describe, { TargetGroups: [{ Port: "80" }] }, "r"),
    /^TypeError: Port should be a number/,
  );
  assert.throws(
    () => encodeXmlOutput(model, describe, { TargetGroups: {} }, "r"),
    /^TypeError: TargetGroups should be an array/,
  );
});

test("any text comes back from XML as it was, but for characters that XML can not hold", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const xml = encodeXmlOutput(model, describe, { NextMarker: text }, "r");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the very characters that XML forbids
      const wanted = text.toWellFormed().replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd");
      assert.deepEqual(decodeXmlOutput(describe, xml), { NextMarker: wanted });
    }),
  );
});

test("the reader takes declarations, comments, CDATA, entities and attributes, and refuses what is not well-formed", () => {
  const root = parseXml('<?xml version="1.0"?>\n<a x="1"><!-- no --><b><![CDATA[<&>]]>&#x41;&#66;&lt;</b><c/></a>');
  assert.deepEqual(root, {
    name: "a",
    text: "",
    children: [
      { name: "b", text: "<&>AB<", children: [] },
      { name: "c", text: "", children: [] },
    ],
  });
  for (const text of [
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "</a>",
    "<!DOCTYPE a><a/>",
    "<a".repeat(10),
    "<a>".repeat(100_000),
  ])
    assert.throws(() => parseXml(text), SyntaxError, text.slice(0, 20));
});
