import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListenerAction, RuleState } from "../listener-rules.ts";
import type { ListenerState } from "../state.ts";
import { connectionLines, ruleLines } from "./rules.ts";
import { ruleKey, weightEntries } from "./weights.ts";

const forward = (...weights: [string, number][]): ListenerAction => ({
  type: "forward",
  targetGroups: weights.map(([targetGroupId, weight]) => ({ targetGroupId, weight })),
});
const sticky = (...weights: [string, number][]): ListenerAction => ({
  ...(forward(...weights) as Extract<ListenerAction, { type: "forward" }>),
  stickinessSeconds: 3600,
});
const onPath = (id: string, value: string, action: ListenerAction): RuleState => ({
  id,
  conditions: [{ field: "path-pattern", values: [value] }],
  action,
});
const listener = (defaultAction: ListenerAction, ...rules: RuleState[]): ListenerState => ({
  id: "web",
  protocol: "HTTP",
  address: "127.0.0.1",
  port: 8080,
  idleTimeoutSeconds: 60,
  rules,
  defaultAction,
});

/** The lines with a short name for each rule's key: its id, `default` for the default action's. */
function named(of: ListenerState, lines: readonly string[]): string[] {
  const names = new Map(of.rules.map((rule) => [ruleKey(of, rule), rule.id]));
  names.set(ruleKey(of, undefined), "default");
  return lines.map((line) => [...names].reduce((text, [key, name]) => text.replaceAll(key, name), line));
}

function linesOf(of: ListenerState): string[] {
  const { request, choice } = ruleLines(of, "/d/weights.map");
  return [...request, ...choice];
}

test("rules that all forward are looked at in order, each once", () => {
  const of = listener(
    forward(["web", 1]),
    {
      id: "api",
      conditions: [
        { field: "host-header", values: ["api.example.com"] },
        { field: "path-pattern", values: ["/v1/*"] },
      ],
      action: forward(["api", 1]),
    },
    onPath("off", "/off", forward(["web", 0])),
  );
  assert.deepEqual(named(of, linesOf(of)), [
    `  acl api.0 req.hdr(host),host_only -m str -i -- "api.example.com"`,
    `  acl api.1 path -m beg -- "/v1/"`,
    `  acl off.0 path -m str -- "/off"`,
    "  use_backend tg.api if api.0 api.1",
    "  use_backend none if off.0",
    "  default_backend tg.web",
  ]);
});

test("a rule that answers by itself has those before it decided in the request phase, and no more", () => {
  const of = listener(
    forward(["web", 1]),
    onPath("first", "/a", forward(["a", 1])),
    onPath("moved", "/old/*", {
      type: "redirect",
      statusCode: 301,
      protocol: "HTTPS",
      host: "www.#{host}",
      port: "443",
      path: "/50%/#{path}",
      query: "#{query}",
    }),
    onPath("teapot", "/tea", { type: "fixed-response", statusCode: 418, contentType: "text/html", body: "<b>\n$</b>" }),
    onPath("last", "/b", forward(["b", 1])),
  );
  assert.deepEqual(named(of, linesOf(of)).slice(4), [
    "  http-request set-var(txn.rule) str(first) if first.0",
    "  http-request allow if { var(txn.rule) -m found }",
    `  http-request redirect location "https://www.%[req.hdr(host),host_only]:443/50%%/%[path,bytes(1)]?%[query]" code 301 if moved.0 { query -m len gt 0 }`,
    `  http-request redirect location "https://www.%[req.hdr(host),host_only]:443/50%%/%[path,bytes(1)]" code 301 if moved.0`,
    `  http-request return status 418 content-type "text/html" string "<b>\\n\\$</b>" if teapot.0`,
    "  use_backend tg.a if { var(txn.rule) -m str first }",
    "  use_backend tg.b if last.0",
    "  default_backend tg.web",
  ]);
});

test("a default action that answers by itself comes after every rule", () => {
  const of = listener({ type: "fixed-response", statusCode: 404 }, onPath("a", "/a", forward(["a", 1])));
  assert.deepEqual(named(of, linesOf(of)).slice(1), [
    "  http-request set-var(txn.rule) str(a) if a.0",
    "  http-request allow if { var(txn.rule) -m found }",
    "  http-request return status 404",
    "  use_backend tg.a if { var(txn.rule) -m str a }",
  ]);
});

test("weights are read from the map, and no group's share is all that is left of a rule without weight", () => {
  const of = listener(forward(["web", 1], ["web2", 1]), onPath("split", "/a", forward(["blue", 80], ["green", 20])));
  assert.deepEqual(named(of, linesOf(of)).slice(1), [
    "  http-request set-var(txn.draw) rand(1000000)",
    "  use_backend tg.blue if split.0 { str(split.0),map_str_int(/d/weights.map,0),sub(txn.draw) -m int gt 0 }",
    "  use_backend tg.green if split.0 { str(split.1),map_str_int(/d/weights.map,0),sub(txn.draw) -m int gt 0 }",
    "  use_backend none if split.0",
    "  use_backend tg.web if { str(default.0),map_str_int(/d/weights.map,0),sub(txn.draw) -m int gt 0 }",
    "  use_backend tg.web2 if { str(default.1),map_str_int(/d/weights.map,0),sub(txn.draw) -m int gt 0 }",
  ]);
});

test("stickiness looks for the cookie of a group that has a weight, and renews it with every answer", () => {
  const of = listener(sticky(["blue", 1], ["green", 1]));
  const lines = named(of, linesOf(of));
  const [, token = ""] = /AWSALBTG\) -m str ([0-9a-f]{32}) /.exec(lines[2] ?? "") ?? [];
  assert.equal(
    lines[2],
    `  use_backend tg.blue if { req.cook(AWSALBTG) -m str ${token} } { str(default.0.w),map_str_int(/d/weights.map,0) -m int gt 0 }`,
  );
  assert.deepEqual(lines.slice(0, 2), [
    "  http-request set-var(txn.draw) rand(1000000)",
    "  http-request set-var(txn.rule) str(default)",
  ]);
  assert.equal(
    lines[6],
    `  http-response add-header Set-Cookie "AWSALBTG=${token}; Expires=%[date(3600),http_date]; Path=/" if { var(txn.rule) -m str default } { be_name -m str tg.blue }`,
  );
  assert.equal(lines.length, 8);
});

test("a TCP listener draws once for each connection", () => {
  const tcp = (action: ListenerAction) => ({ ...listener(action), protocol: "TCP" as const });
  const split = tcp(forward(["blue", 1], ["green", 0]));
  assert.deepEqual(named(split, connectionLines(split, "/w")), [
    "  tcp-request connection set-var(sess.draw) rand(1000000)",
    "  use_backend tg.blue if { str(default.0),map_str_int(/w,0),sub(sess.draw) -m int gt 0 }",
    "  use_backend tg.green if { str(default.1),map_str_int(/w,0),sub(sess.draw) -m int gt 0 }",
  ]);
  assert.deepEqual(connectionLines(tcp(forward(["blue", 1])), "/w"), ["  default_backend tg.blue"]);
  assert.deepEqual(connectionLines(tcp(forward(["blue", 0])), "/w"), ["  tcp-request connection reject"]);
});

test("the map has each group's share of the draws", () => {
  const of = listener(forward(["a", 0], ["b", 0]), onPath("s", "/", sticky(["blue", 80], ["green", 20], ["c", 0])));
  const [none, split] = [ruleKey(of, undefined), ruleKey(of, of.rules[0])];
  const entries = weightEntries({ listeners: [of], targetGroups: [] });
  assert.deepEqual(
    entries,
    new Map([
      [`${split}.0`, "800000"],
      [`${split}.0.w`, "80"],
      [`${split}.1`, "1000000"],
      [`${split}.1.w`, "20"],
      [`${split}.2`, "1000000"],
      [`${split}.2.w`, "0"],
      [`${none}.0`, "0"],
      [`${none}.1`, "0"],
    ]),
  );
});
