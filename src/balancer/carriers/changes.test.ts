import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BalancerState, TargetGroupState, TargetState } from "../state.ts";
import { changeBetween, NO_STATE, StateCopy } from "./changes.ts";

const HEALTH_CHECK = {
  enabled: true,
  protocol: "HTTP",
  port: "traffic-port",
  path: "/",
  intervalSeconds: 5,
  timeoutSeconds: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  matcher: "200",
} as const;

function groupOf(id: string, targets: readonly TargetState[], path = "/"): TargetGroupState {
  return { id, protocol: "HTTP", algorithm: "round_robin", healthCheck: { ...HEALTH_CHECK, path }, targets };
}

const targetsOf = (count: number): TargetState[] =>
  Array.from({ length: count }, (_, i) => ({ id: `t${i}`, address: "10.0.0.1", port: i + 1, draining: false }));

// Few ids and values on purpose: the same thing, changed, gone and come back must be common.
const genId = fc.constantFrom("a", "b", "c");
const plain = { noNullPrototype: true };
const uniqueById = <T extends { readonly id: string }>(of: fc.Arbitrary<T>) =>
  fc.uniqueArray(of, { selector: ({ id }) => id, maxLength: 3 });
const genTarget = fc.record(
  {
    id: genId,
    address: fc.constantFrom("10.0.0.1", "10.0.0.2"),
    port: fc.constantFrom(80, 81),
    draining: fc.boolean(),
    checkPort: fc.option(fc.constant(82), { nil: undefined }),
  },
  plain,
);
const genState: fc.Arbitrary<BalancerState> = fc.record(
  {
    listeners: uniqueById(
      fc.record(
        {
          id: genId,
          protocol: fc.constant("HTTP" as const),
          address: fc.constant("127.0.0.1"),
          port: fc.constantFrom(80, 81),
          idleTimeoutSeconds: fc.constant(60),
          rules: fc.constant([]),
          defaultAction: fc.constant({ type: "fixed-response", statusCode: 404 } as const),
        },
        plain,
      ),
    ),
    certificates: uniqueById(
      fc.record({ id: genId, certificates: fc.constantFrom("x", "y"), privateKey: fc.constant("k") }, plain),
    ),
    targetGroups: uniqueById(
      fc
        .tuple(genId, uniqueById(genTarget), fc.constantFrom("/", "/health"))
        .map(([id, targets, path]) => groupOf(id, targets, path)),
    ),
    // What a later release has in a state comes along.
    later: fc.constantFrom({ x: 1 }, { x: 2 }),
  },
  plain,
);

/** Without members that are undefined, as JSON carries it, and in the order of ids. */
function normal(state: BalancerState): unknown {
  const byId = (a: { readonly id: string }, b: { readonly id: string }) => (a.id < b.id ? -1 : 1);
  const { listeners, targetGroups, certificates = [], ...others } = JSON.parse(JSON.stringify(state)) as BalancerState;
  return {
    ...others,
    listeners: listeners.toSorted(byId),
    certificates: certificates.toSorted(byId),
    targetGroups: targetGroups.map((g) => ({ ...g, targets: g.targets.toSorted(byId) })).toSorted(byId),
  };
}

test("a copy that takes each change, as it travels, is at each state what the original is", () => {
  fc.assert(
    fc.property(fc.array(genState, { minLength: 1, maxLength: 6 }), (states) => {
      const copy = new StateCopy();
      let before: BalancerState = NO_STATE;
      for (const state of states) {
        const change = changeBetween(before, state);
        if (change !== undefined) copy.take(JSON.parse(JSON.stringify(change)));
        assert.deepEqual(normal(copy.state()), normal(state));
        assert.equal(changeBetween(state, structuredClone(state)), undefined);
        before = state;
      }
    }),
  );
});

test("a change of one target among 10,000 is small, with all else made anew", () => {
  const before = { listeners: [], targetGroups: [groupOf("web", targetsOf(10_000)), groupOf("api", targetsOf(10))] };
  const after = structuredClone(before);
  const [web] = after.targetGroups;
  if (web === undefined) throw new Error("not arranged");
  const [first, ...others] = web.targets;
  const changed = { ...web, targets: [...others, { ...first, draining: true } as TargetState] };
  const change = changeBetween(before, { ...after, targetGroups: [changed, ...after.targetGroups.slice(1)] });
  assert.deepEqual(change?.targetGroups.put, [
    { id: "web", targets: { put: [{ ...first, draining: true }], gone: [] } },
  ]);
  assert.ok(JSON.stringify(change).length < 400);
});

test("a copy refuses a change of a group that it does not have", () => {
  const change = changeBetween(
    { listeners: [], targetGroups: [groupOf("web", [])] },
    {
      listeners: [],
      targetGroups: [groupOf("web", targetsOf(1))],
    },
  );
  assert.ok(change !== undefined);
  assert.throws(() => new StateCopy().take(change), /target group web changed, and is not known here/);
});
