import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instanceWith, withTasks } from "../testing.ts";
import { matchesQuery } from "./evaluate.ts";
import { parseQuery, queryProblem } from "./parse.ts";

const instance = instanceWith(
  "a",
  { zone: "us-east-1a" },
  {
    ec2InstanceId: "i-abcd1234",
    agentVersion: "1.14.5",
    registeredAt: Date.UTC(2018, 5, 18, 22, 28, 28, 500),
    attributes: [
      { name: "ecs.availability-zone", value: "us-east-1a" },
      { name: "ecs.instance-type", value: "t2.small" },
      { name: "stack", value: "prod" },
      { name: "rack", value: "9" },
      { name: "ecs.capability.external" },
    ],
  },
);
const tasks = withTasks(["service:production", "web"], 1);
const holds = (query: string) => matchesQuery(parseQuery(query), { instance, tasks: () => tasks });

test("[PL11] [PL12] what each subject and operator means", () => {
  const rows: [query: string, holds: boolean][] = [
    ["agentConnected == true", true],
    ["agentConnected in [false]", false],
    ["agentConnected !~ t.*", false],
    ["ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", true],
    ["ec2InstanceId not_in ['i-wxyx7890']", true],
    ["ec2InstanceId matches i-abcd.*", true],
    ["agentVersion < 1.14.5", false],
    ["agentVersion <= 1.14.5", true],
    ["agentVersion > 1.9", true],
    ["agentVersion == 1.14.5.0", true],
    ["agentVersion not_equals v1.14", true],
    ["registeredAt < 2018-02-13", false],
    ["registeredAt greater_than 2018-06-18", true],
    ["registeredAt == 2018-06-18T22:28:28+00:00", true],
    ["registeredAt == 2018-06-19T00:28:28+02:00", true],
    ["registeredAt == 2018-06-18T20:28:28-02:00", true],
    ["registeredAt >= 2018-06-18T22:28:28Z", true],
    ["registeredAt > 2018-06-18T22:28:28", false],
    ["runningTasksCount == 1", true],
    ["runningTasksCount less_than 1", false],
    ["task:group == service:production", true],
    ["task:group == database", false],
    ["not(task:group == database)", true],
    ["task:group != web", false],
    ["task:group != database", true],
    ["task:group in [database, web]", true],
    ["task:group !in [database, web]", false],
    ["task:group =~ service:.*", true],
    ["task:group !~ db.*", true],
    ["attribute:ecs.instance-type == t2.small", true],
    ["attribute:ecs.instance-type =~ t2.*", true],
    ["attribute:ecs.instance-type =~ t[34].small", false],
    ["attribute:ecs.instance-type =~ 't[23]\\.(micro|small)'", true],
    ["attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", true],
    ["attribute:rack < 10", true],
    ["attribute:rack >= 9.0", true],
    ["attribute:rack == 9.0", false],
    ["attribute:stack > prof", false],
    ["attribute:stack exists", true],
    ["attribute:ecs.capability.external exists", true],
    ["attribute:ecs.capability.external == x", false],
    ["attribute:stack !exists", false],
    ["attribute:none not_exists", true],
    ["attribute:none ! exists", true],
    // An attribute that is not there fails whatever is asked of its value, as in ECS's example `attribute:stack != prod`.
    ["attribute:none != prod", false],
    ["attribute:none !in [prod]", false],
    ["attribute:none !~ prod", false],
    ["attribute:none < prod", false],
    ["not attribute:none == prod", true],
    ["attribute:stack != prod", false],
    ["attribute:stack != test", true],
  ];
  for (const [query, expected] of rows) assert.equal(holds(query), expected, query);
});

test("[PL11] a subject that the instance does not know fails, and its negation holds", () => {
  const bare = instanceWith("b");
  const of = (query: string) => matchesQuery(parseQuery(query), { instance: bare, tasks: () => withTasks() });
  assert.deepEqual(["agentVersion < 9", "ec2InstanceId != x", "not ec2InstanceId == x", "task:group !~ .*"].map(of), [
    false,
    false,
    true,
    true,
  ]);
});

test("[PL11] negation binds tighter than and, and tighter than or; words and signs are one", () => {
  const yes = "attribute:stack exists";
  const no = "attribute:none exists";
  const rows: [query: string, holds: boolean][] = [
    [`${yes} or ${no} and ${no}`, true],
    [`${no} and ${yes} or ${yes}`, true],
    [`(${yes} or ${no}) and ${no}`, false],
    [`!${no} && ${yes}`, true],
    [`not ${yes} or ${yes}`, true],
    [`!(${yes} || ${no})`, false],
    [`not not ${yes}`, true],
    [`${no}||${yes}&&${yes}`, true],
    ["attribute:stack==prod&&attribute:rack==9", true],
    ["attribute:stack==test||attribute:rack==9", true],
    ["  ( attribute:stack  ==  'prod' )  ", true],
    ["attribute:and == or or attribute:stack == prod", true],
  ];
  for (const [query, expected] of rows) assert.equal(holds(query), expected, query);
});

test("[PL10] an expression that cannot be read is refused with the position of what is wrong", () => {
  const rows: [query: string, position: number, problem: RegExp][] = [
    ["", 1, /expected a subject .*, found the end/],
    ["   ", 4, /found the end/],
    ["attribute:a", 12, /expected an operator/],
    ["attribute:a ==", 15, /expected a value, found the end/],
    ["attribute:a is b", 13, /expected an operator, one of .*, found 'is'/],
    ["attribute: == b", 1, /'' is no attribute name/],
    ["attribute == b", 1, /'attribute' is no subject/],
    ["zone == a", 1, /'zone' is no subject; there are agentConnected,/],
    ["attribute:a == b attribute:c == d", 18, /expected 'and', 'or' or the end, found 'attribute:c'/],
    ["attribute:a == b and", 21, /expected a subject/],
    ["attribute:a == b && (attribute:c == d", 38, /expected '\)', found the end/],
    ["attribute:a == b)", 17, /expected 'and', 'or' or the end, found '\)'/],
    ["attribute:a == (b)", 16, /a value with parentheses must be quoted/],
    ["attribute:a in b", 16, /expected a list/],
    ["attribute:a in []", 17, /expected a value/],
    ["attribute:a in [b c]", 19, /expected ',' or '\]', found 'c\]'/],
    ["attribute:a == 'b", 16, /the quote ' has no end/],
    ["agentConnected > true", 16, /agentConnected takes the operators == != in !in =~ !~, not >/],
    ["agentConnected exists", 16, /not exists/],
    ["agentVersion =~ 1.*", 14, /agentVersion takes the operators/],
    ["runningTasksCount == many", 22, /'many' is no number of tasks/],
    ["agentVersion < latest", 16, /'latest' is no version/],
    ["registeredAt < 2018-02-30", 16, /'2018-02-30' is no date/],
    ["registeredAt < yesterday", 16, /is no date/],
    ["attribute:a =~ b**", 18, /in the pattern 'b\*\*', a repeat cannot be repeated/],
    ["attribute:a =~ b(c|d)", 17, /a value with parentheses must be quoted/],
    ["attribute:a =~ '(b'", 17, /in the pattern '\(b', the group has no end/],
    [`${"!".repeat(60)}attribute:a exists`, 51, /deep/],
    [`attribute:a == ${"b".repeat(2000)}`, 2001, /2000 characters/],
  ];
  for (const [query, position, problem] of rows) {
    const said = queryProblem(query) ?? "";
    assert.match(said, problem, query);
    assert.ok(said.startsWith(`is invalid at position ${position}: `), `${query}: ${said}`);
  }
});

interface Case {
  readonly text: string;
  readonly holds: boolean;
}

const leaf: fc.Arbitrary<Case> = fc.constantFrom(
  { text: "attribute:stack == prod", holds: true },
  { text: "attribute:stack equals 'test'", holds: false },
  { text: "attribute:none exists", holds: false },
  { text: "task:group in [web,db]", holds: true },
  { text: 'attribute:ecs.instance-type matches "t(2|3).*"', holds: true },
  { text: "runningTasksCount >= 2", holds: false },
);
const joined = (inner: fc.Arbitrary<Case>, signs: readonly string[], all: boolean) =>
  fc.tuple(fc.array(inner, { minLength: 2, maxLength: 3 }), fc.constantFrom(...signs)).map(([terms, sign]) => ({
    text: terms.map((t) => `(${t.text})`).join(sign),
    holds: all ? terms.every((t) => t.holds) : terms.some((t) => t.holds),
  }));
const compound = fc.letrec<{ node: Case }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    joined(tie("node"), [" and ", "&&", " && "], true),
    joined(tie("node"), [" or ", "||"], false),
    fc
      .tuple(tie("node"), fc.constantFrom("!", "not", "not "))
      .map(([term, sign]) => ({ text: `${sign}(${term.text})`, holds: !term.holds })),
  ),
})).node;

test("[PL11] compounds of any form mean what their parts mean", () => {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(compound, (one) => {
      fc.pre(one.text.length <= 2000);
      assert.equal(holds(one.text), one.holds);
      seen[one.holds ? "yes" : "no"]++;
    }),
    { numRuns: 500 },
  );
  assert.ok(seen.yes > 50 && seen.no > 50, "the test hardly tried one side");
});

test("[PL10] no text makes the reader fail but with a position within it", () => {
  const unit = fc.constantFrom(..."ab:=!~<>&|()[],'\" \\*+?{}1-.", "attribute:", "and", "not", "in", "exists", "=~");
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const problem = queryProblem(text);
      const position = Number(/^is invalid at position (\d+): /.exec(problem ?? "")?.[1]);
      if (problem !== undefined) assert.ok(position >= 1 && position <= text.length + 1, problem);
    }),
    { numRuns: 3000 },
  );
});
