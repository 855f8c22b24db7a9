import assert from "node:assert/strict";
import { test } from "node:test";
import type { Action, RuleCondition } from "@aws-sdk/client-elastic-load-balancing-v2";
import { refused } from "../ecs/testing.ts";
import { stack } from "./testing.ts";

const path = (...Values: string[]): RuleCondition[] => [{ Field: "path-pattern", Values }];
const fixed = (StatusCode: string): Action[] => [{ Type: "fixed-response", FixedResponseConfig: { StatusCode } }];

/** A listener with rules of these priorities, and their ARNs. */
async function ruled(...priorities: number[]) {
  const made = await stack();
  const arns: string[] = [];
  for (const Priority of priorities) {
    const rule = { ListenerArn: made.ListenerArn, Priority, Conditions: path(`/${Priority}`), Actions: fixed("200") };
    arns.push((await made.elb("CreateRule", rule)).Rules?.[0]?.RuleArn ?? "");
  }
  const order = async () =>
    (await made.elb("DescribeRules", { ListenerArn: made.ListenerArn })).Rules?.map((rule) => rule.Priority);
  return { ...made, arns, order };
}

test("a rule is echoed as it was taken, in the order of priorities with the default rule last", async () => {
  const { elb, ListenerArn, TargetGroupArn, order } = await ruled(10, 9);
  const rule = { ListenerArn, Priority: 2, Conditions: path("/a", "/b*") };
  const made = await elb("CreateRule", { ...rule, Actions: [{ Type: "forward", TargetGroupArn }] });
  const expected = {
    Priority: "2",
    Conditions: [{ Field: "path-pattern", Values: ["/a", "/b*"], PathPatternConfig: { Values: ["/a", "/b*"] } }],
    Actions: [
      {
        Type: "forward",
        TargetGroupArn,
        Order: undefined,
        ForwardConfig: {
          TargetGroups: [{ TargetGroupArn, Weight: 1 }],
          TargetGroupStickinessConfig: { Enabled: false },
        },
      },
    ],
    IsDefault: false,
    Transforms: [],
  };
  const RuleArn = made.Rules?.[0]?.RuleArn ?? "";
  assert.match(RuleArn, /:listener-rule\/app\/web\/[0-9a-f]{16}\/[0-9a-f]{16}\/[0-9a-f]{16}$/);
  assert.deepEqual(made.Rules, [{ RuleArn, ...expected }]);
  assert.deepEqual((await elb("DescribeRules", { RuleArns: [RuleArn] })).Rules, made.Rules);
  assert.deepEqual(await order(), ["2", "9", "10", "default"]);
  const first = await elb("DescribeRules", { ListenerArn, PageSize: 3 });
  const second = await elb("DescribeRules", { ListenerArn, PageSize: 3, Marker: first.NextMarker });
  assert.deepEqual(
    second.Rules?.map((r) => [r.Priority, r.IsDefault]),
    [["default", true]],
  );
  const [byDefault] = second.Rules ?? [];
  assert.deepEqual((await elb("DescribeRules", { RuleArns: [byDefault?.RuleArn ?? ""] })).Rules, [byDefault]);
});

test("every condition is taken in its own form", async () => {
  const { elb, ListenerArn } = await stack();
  const Conditions: RuleCondition[] = [
    { Field: "host-header", HostHeaderConfig: { Values: ["*.example.com"] } },
    { Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "X-Kind", Values: ["a*"] } },
    { Field: "http-request-method", HttpRequestMethodConfig: { Values: ["GET"] } },
    { Field: "query-string", QueryStringConfig: { Values: [{ Key: "v", Value: "1" }] } },
    { Field: "source-ip", SourceIpConfig: { Values: ["10.0.0.0/8"] } },
  ];
  const made = await elb("CreateRule", { ListenerArn, Priority: 1, Conditions, Actions: fixed("200") });
  const [host, ...others] = made.Rules?.[0]?.Conditions ?? [];
  assert.deepEqual(host, { ...Conditions[0], Values: ["*.example.com"] });
  assert.deepEqual(others, Conditions.slice(1));
});

test("conditions that ELBv2 does not take are refused, and nothing is made", async () => {
  const { elb, ListenerArn, context } = await stack();
  const { revision } = context.store;
  const wrong: readonly (readonly [RuleCondition[], RegExp])[] = [
    [[], /At least one condition/],
    [[{ Field: "colour", Values: ["red"] }], /Condition field 'colour' must be one of/],
    [[{ Values: ["/x"] }], /must be one of/],
    [path(), /at least one value/],
    [path("/1", "/2", "/3", "/4", "/5", "/6"), /can only have '5' condition values/],
    [path("/*?*", "*?*"), /can only have '5' wildcards/],
    [[...path("/1"), ...path("/2")], /can only have one 'path-pattern' condition/],
    [path(`/${"a".repeat(128)}`), /1 to 128 characters/],
    [path("/a b"), /a character that is not valid/],
    [[{ Field: "path-pattern", Values: ["/a"], PathPatternConfig: { Values: ["/b"] } }], /in one place only/],
    [[{ Field: "host-header", Values: ["a_b/c"] }], /a character that is not valid/],
    [[{ Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "Host", Values: ["a"] } }], /header name 'Host'/],
    [[{ Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "a b", Values: ["a"] } }], /header name 'a b'/],
    [[{ Field: "http-header", HttpHeaderConfig: { HttpHeaderName: "a", Values: ["é"] } }], /not valid/],
    [[{ Field: "http-request-method", HttpRequestMethodConfig: { Values: ["get"] } }], /not valid/],
    [[{ Field: "query-string", QueryStringConfig: { Values: [{ Key: "a" }] } }], /must have a value/],
    [[{ Field: "source-ip", SourceIpConfig: { Values: ["10.0.0.1"] } }], /CIDR/],
    [[{ Field: "source-ip", SourceIpConfig: { Values: ["10.0.0.0/33"] } }], /CIDR/],
  ];
  for (const [Conditions, message] of wrong) {
    const rule = { ListenerArn, Priority: 1, Conditions, Actions: fixed("200") };
    await refused(() => elb("CreateRule", rule), "ValidationError", message);
  }
  for (const Conditions of [
    [{ Field: "path-pattern", RegexValues: ["^/a"] }],
    [{ Field: "host-header", HostHeaderConfig: { RegexValues: ["a"] } }],
  ])
    await refused(
      () => elb("CreateRule", { ListenerArn, Priority: 1, Conditions, Actions: fixed("200") }),
      "ValidationError",
      /Berth does not carry out Conditions\[\]\.(HostHeaderConfig\.)?RegexValues/,
    );
  for (const Priority of [0, 50_001])
    await refused(
      () => elb("CreateRule", { ListenerArn, Priority, Conditions: path("/"), Actions: fixed("200") }),
      "ValidationError",
      /from 1 to 50000/,
    );
  assert.equal(context.store.revision, revision);
});

test("actions are checked: a redirect must lead elsewhere, an answer must be one, a forward must be possible", async () => {
  const { elb, ListenerArn, TargetGroupArn } = await stack();
  const create = (...Actions: Action[]) =>
    elb("CreateRule", { ListenerArn, Priority: 1, Conditions: path("/"), Actions });
  const redirect = (given: object): Action => ({
    Type: "redirect",
    RedirectConfig: { StatusCode: "HTTP_301", ...given } as Action["RedirectConfig"],
  });
  const answer = (given: object): Action => ({
    Type: "fixed-response",
    FixedResponseConfig: { StatusCode: "200", ...given },
  });
  const invalid: readonly (readonly [Action[], RegExp])[] = [
    [[{ Type: "redirect" }], /must specify the following fields: 'RedirectConfig'/],
    [[redirect({})], /creates a loop/],
    [[redirect({ Port: "8080", Protocol: "HTTP", Query: "a=b" })], /creates a loop/],
    [[redirect({ Port: "0" })], /redirect port '0'/],
    [[redirect({ Port: "65536" })], /redirect port '65536'/],
    [[redirect({ Protocol: "FTP" })], /redirect protocol 'FTP'/],
    [[redirect({ Path: "a" })], /redirect path 'a'/],
    [[redirect({ Path: "/#{paht}" })], /redirect path/],
    [[redirect({ Host: "a b" })], /redirect host/],
    [[{ Type: "fixed-response" }], /'FixedResponseConfig'/],
    [[answer({ StatusCode: "301" })], /must be 2XX, 4XX or 5XX/],
    [[answer({ ContentType: "image/png" })], /must be one of/],
    [[answer({ MessageBody: "a".repeat(1025) })], /at most 1024/],
    [[answer({ MessageBody: "\0" })], /at most 1024/],
    [[answer({}), answer({})], /Exactly one/],
  ];
  for (const [actions, message] of invalid)
    await refused(() => create(...actions), "InvalidLoadBalancerActionException", message);
  const group = { TargetGroupArn };
  const forward = (ForwardConfig: Action["ForwardConfig"]): Action => ({ Type: "forward", ForwardConfig });
  for (const [action, message] of [
    [forward({ TargetGroups: [{ ...group, Weight: 1000 }] }), /Weight '1000'/],
    [forward({ TargetGroups: [group, group] }), /only once/],
    [forward({ TargetGroups: [group], TargetGroupStickinessConfig: { Enabled: true } }), /DurationSeconds must be/],
    [
      forward({ TargetGroups: [group], TargetGroupStickinessConfig: { Enabled: true, DurationSeconds: 604_801 } }),
      /from 1 to 604800/,
    ],
    [{ Type: "forward", Order: 50_001, TargetGroupArn } as Action, /order '50001'/],
    [{ Type: "forward" } as Action, /must be specified for an action/],
  ] as const)
    await refused(() => create(action), "ValidationError", message);
  await refused(
    () => create({ Type: "forward", TargetGroupArn: `${TargetGroupArn.slice(0, -4)}0000` }),
    "TargetGroupNotFoundException",
  );
  const made = await create(redirect({ Protocol: "HTTPS", Port: "443" }));
  assert.deepEqual(made.Rules?.[0]?.Actions?.[0]?.RedirectConfig, {
    Protocol: "HTTPS",
    Port: "443",
    Host: "#{host}",
    Path: "/#{path}",
    Query: "#{query}",
    StatusCode: "HTTP_301",
  });
});

test("a priority is one rule's alone, and priorities change together or not at all", async () => {
  const { elb, ListenerArn, arns, order } = await ruled(1, 2, 3);
  const [one = "", two = "", three = ""] = arns;
  await refused(
    () => elb("CreateRule", { ListenerArn, Priority: 2, Conditions: path("/"), Actions: fixed("200") }),
    "PriorityInUseException",
    "Priority '2' is currently in use",
  );
  const set = (...pairs: [string, number][]) =>
    elb("SetRulePriorities", { RulePriorities: pairs.map(([RuleArn, Priority]) => ({ RuleArn, Priority })) });
  await refused(() => set([one, 5], [two, 3]), "PriorityInUseException");
  assert.deepEqual(await order(), ["1", "2", "3", "default"]);
  const swapped = await set([one, 2], [two, 1]);
  assert.deepEqual(
    swapped.Rules?.map((rule) => rule.Priority),
    ["2", "1"],
  );
  await refused(() => set([one, 7], [two, 7]), "PriorityInUseException");
  await refused(() => set([three, 7], [three, 8]), "ValidationError", /more than once/);
  await refused(() => set(), "ValidationError");
  const { Rules = [] } = await elb("DescribeRules", { ListenerArn });
  assert.deepEqual(
    Rules.map((rule) => rule.RuleArn),
    [two, one, three, Rules.at(-1)?.RuleArn],
  );
});

test("ModifyRule changes what it is given; a default rule is neither changed nor deleted", async () => {
  const { elb, ListenerArn, arns } = await ruled(1);
  const [RuleArn = ""] = arns;
  const changed = await elb("ModifyRule", { RuleArn, Actions: fixed("404") });
  assert.deepEqual(changed.Rules?.[0]?.Conditions?.[0]?.Values, ["/1"]);
  assert.equal(changed.Rules?.[0]?.Actions?.[0]?.FixedResponseConfig?.StatusCode, "404");
  await elb("ModifyRule", { RuleArn, Conditions: path("/other") });
  const [rule, byDefault] = (await elb("DescribeRules", { ListenerArn })).Rules ?? [];
  assert.deepEqual(rule?.Conditions?.[0]?.Values, ["/other"]);
  assert.equal(rule?.Actions?.[0]?.FixedResponseConfig?.StatusCode, "404");
  const arn = byDefault?.RuleArn ?? "";
  for (const call of [
    () => elb("ModifyRule", { RuleArn: arn, Actions: fixed("200") }),
    () => elb("DeleteRule", { RuleArn: arn }),
    () => elb("SetRulePriorities", { RulePriorities: [{ RuleArn: arn, Priority: 1 }] }),
  ])
    await refused(call, "OperationNotPermittedException", /Default rule/);
  await elb("DeleteRule", { RuleArn });
  await refused(() => elb("DeleteRule", { RuleArn }), "RuleNotFoundException");
  await refused(() => elb("DescribeRules", { RuleArns: [RuleArn] }), "RuleNotFoundException");
  await refused(() => elb("DeleteRule", { RuleArn: ListenerArn }), "ValidationError", /listener rule ARN/);
});

test("a group that only a rule uses is in use; a rule goes with its listener, its tags with it", async () => {
  const { elb, ListenerArn, LoadBalancerArn } = await stack();
  const made = await elb("CreateTargetGroup", { Name: "other", Protocol: "HTTP", Port: 80 });
  const TargetGroupArn = made.TargetGroups?.[0]?.TargetGroupArn ?? "";
  const rule = await elb("CreateRule", {
    ListenerArn,
    Priority: 1,
    Conditions: path("/"),
    Actions: [{ Type: "forward", TargetGroupArn }],
    Tags: [{ Key: "a", Value: "1" }],
  });
  const RuleArn = rule.Rules?.[0]?.RuleArn ?? "";
  const described = await elb("DescribeTargetGroups", { TargetGroupArns: [TargetGroupArn] });
  assert.deepEqual(described.TargetGroups?.[0]?.LoadBalancerArns, [LoadBalancerArn]);
  await refused(() => elb("DeleteTargetGroup", { TargetGroupArn }), "ResourceInUseException");
  await elb("AddTags", { ResourceArns: [RuleArn], Tags: [{ Key: "b", Value: "2" }] });
  const { TagDescriptions } = await elb("DescribeTags", { ResourceArns: [RuleArn] });
  assert.deepEqual(TagDescriptions?.[0]?.Tags?.length, 2);
  await elb("DeleteListener", { ListenerArn });
  await refused(() => elb("DescribeRules", { RuleArns: [RuleArn] }), "RuleNotFoundException");
  await elb("DeleteTargetGroup", { TargetGroupArn });
});

test("a load balancer has at most a hundred rules, and a network load balancer none", async () => {
  const { elb, ListenerArn } = await ruled(...Array.from({ length: 100 }, (_, index) => index + 1));
  const rule = { Priority: 101, Conditions: path("/"), Actions: fixed("200") };
  await refused(() => elb("CreateRule", { ListenerArn, ...rule }), "TooManyRulesException");
  const network = (await elb("CreateLoadBalancer", { Name: "net", Type: "network" })).LoadBalancers?.[0];
  const tcp = (await elb("CreateTargetGroup", { Name: "tcp", Protocol: "TCP", Port: 80 })).TargetGroups?.[0];
  const listener = await elb("CreateListener", {
    LoadBalancerArn: network?.LoadBalancerArn ?? "",
    Protocol: "TCP",
    Port: 81,
    DefaultActions: [{ Type: "forward", TargetGroupArn: tcp?.TargetGroupArn }],
  });
  const tcpListener = listener.Listeners?.[0]?.ListenerArn ?? "";
  await refused(() => elb("CreateRule", { ListenerArn: tcpListener, ...rule }), "InvalidConfigurationRequestException");
  await refused(
    () => elb("ModifyListener", { ListenerArn: tcpListener, DefaultActions: fixed("200") }),
    "InvalidLoadBalancerActionException",
  );
});
