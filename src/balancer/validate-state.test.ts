import assert from "node:assert/strict";
import { test } from "node:test";
import type { BalancerState, TargetGroupState } from "./state.ts";
import { BalancerStateError, validateState } from "./validate-state.ts";

const group: TargetGroupState = {
  id: "g",
  protocol: "HTTP",
  algorithm: "round_robin",
  healthCheck: {
    enabled: true,
    protocol: "HTTP",
    port: "traffic-port",
    path: "/",
    intervalSeconds: 30,
    timeoutSeconds: 5,
    healthyThreshold: 5,
    unhealthyThreshold: 2,
    matcher: "200",
  },
  targets: [{ id: "t", address: "10.0.0.1", port: 80, draining: false }],
};

const forward = { type: "forward", targetGroups: [{ targetGroupId: "g", weight: 1 }] } as const;
const listener: BalancerState["listeners"][number] = {
  id: "l",
  protocol: "HTTP",
  address: "0.0.0.0",
  port: 80,
  idleTimeoutSeconds: 60,
  rules: [],
  defaultAction: forward,
};

const withGroup = (change: Partial<TargetGroupState>): BalancerState => ({
  listeners: [listener],
  targetGroups: [{ ...group, ...change }],
});
const withCheck = (change: object) => withGroup({ healthCheck: { ...group.healthCheck, ...change } });
const withTarget = (change: object) => withGroup({ targets: [{ ...group.targets[0]!, ...change }] });
const withListener = (change: object): BalancerState => ({
  listeners: [{ ...listener, ...change }],
  targetGroups: [group],
});

const REFUSED: readonly [string, BalancerState, RegExp][] = [
  ["a path with a blank", withCheck({ path: "/a b" }), /health check path/],
  ["a path with a line break", withCheck({ path: "/a\nserver x" }), /health check path/],
  ["a matcher with words", withCheck({ matcher: "200 rstatus .*" }), /matcher/],
  ["a matcher the wrong way round", withCheck({ matcher: "299-200" }), /matcher/],
  ["an interval of nothing", withCheck({ intervalSeconds: 0 }), /interval 0 s/],
  ["an interval that is no number", withCheck({ intervalSeconds: Number.NaN }), /interval NaN s/],
  ["a threshold with a fraction", withCheck({ healthyThreshold: 1.5 }), /threshold 1.5/],
  ["a check port that is none", withCheck({ port: 70000 }), /70000 is not a port/],
  ["a host name for an address", withTarget({ address: "localhost" }), /"localhost" is not an IP address/],
  ["a zone in an address", withTarget({ address: "10.0.0.1 backup" }), /is not an IP address/],
  ["target port 0", withTarget({ port: 0 }), /0 is not a port/],
  ["the same target twice", withGroup({ targets: [group.targets[0]!, group.targets[0]!] }), /"t" is there twice/],
  ["the same group twice", { listeners: [], targetGroups: [group, group] }, /"g" is there twice/],
  ["an empty id", withListener({ id: "" }), /1-255 characters/],
  [
    "a group that is not there",
    withListener({ defaultAction: { ...forward, targetGroups: [{ targetGroupId: "x", weight: 1 }] } }),
    /"x" is not in the state/,
  ],
  ["a TCP listener before an HTTP group", withListener({ protocol: "TCP" }), /a listener of TCP/],
  [
    "a fixed response to TCP",
    withListener({ protocol: "TCP", defaultAction: { type: "fixed-response", statusCode: 503 } }),
    /needs an HTTP listener/,
  ],
  [
    "a weight out of range",
    withListener({ defaultAction: { ...forward, targetGroups: [{ targetGroupId: "g", weight: 1000 }] } }),
    /weight 1000/,
  ],
  [
    "two listeners on one socket",
    { listeners: [listener, { ...listener, id: "m" }], targetGroups: [group] },
    /also wanted by listener "l"/,
  ],
  [
    "a challenge whose token would end a command",
    { listeners: [], targetGroups: [], challenges: [{ token: "a; shutdown", answer: "a.b" }] },
    /token has 1-128/,
  ],
  [
    "a challenge whose answer has a blank",
    { listeners: [], targetGroups: [], challenges: [{ token: "a", answer: "a b" }] },
    /its answer/,
  ],
  [
    "the same challenge twice",
    { listeners: [], targetGroups: [], challenges: ["x", "y"].map((answer) => ({ token: "a", answer })) },
    /"a" is there twice/,
  ],
  ["an idle timeout of nothing", withListener({ idleTimeoutSeconds: 0 }), /idle timeout 0 s/],
];

for (const [name, state, problem] of REFUSED)
  test(`a state with ${name} is refused`, () => {
    assert.throws(
      () => validateState(state),
      (error) => error instanceof BalancerStateError && problem.test(error.message),
    );
  });

test("a state that is whole is taken", () => {
  validateState({ listeners: [], targetGroups: [] });
  validateState({ listeners: [listener], targetGroups: [group] });
  validateState(withTarget({ address: "fe80::1", checkPort: 8080 }));
});
