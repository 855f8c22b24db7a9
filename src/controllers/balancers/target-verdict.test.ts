import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Opinion, targetVerdict } from "./target-verdict.ts";

const SAYS = {
  i: { state: "initial", reason: "Elb.InitialHealthChecking" },
  h: { state: "healthy" },
  u: { state: "unhealthy", reason: "Target.Timeout" },
  n: { state: "unavailable", reason: "Target.HealthCheckDisabled" },
  d: { state: "draining" },
  D: { state: "drained" },
  "-": undefined,
} as const satisfies Record<string, Opinion | undefined>;

const opinionsOf = (letters: string) => [...letters].map((letter) => SAYS[letter as keyof typeof SAYS]);

/** What becomes of a target that is recorded so: the new state, `keep` or `remove`. */
function answer(recorded: "initial" | "healthy" | "unhealthy" | "unavailable" | "draining", letters: string): string {
  const target = { state: recorded, drainingSince: recorded === "draining" ? 5 : undefined };
  const verdict = targetVerdict(target, opinionsOf(letters));
  return verdict.kind === "record" ? verdict.health.state : verdict.kind;
}

for (const [rule, recorded, letters, expected] of [
  ["[BC5]", "healthy", "", "keep"],
  ["[BC5]", "initial", "", "keep"],
  ["[BC5]", "healthy", "--", "keep"],
  ["[BC6]", "initial", "h", "healthy"],
  ["[BC6]", "initial", "hi", "initial"],
  ["[BC6]", "initial", "h-", "keep"],
  ["[BC6]", "initial", "ui", "initial"],
  ["[BC6]", "initial", "hh", "healthy"],
  ["[BC7]", "initial", "uu", "unhealthy"],
  ["[BC7]", "initial", "hu", "healthy"],
  ["[BC7]", "healthy", "hu", "healthy"],
  ["[BC7]", "unhealthy", "hu", "healthy"],
  ["[BC7]", "healthy", "huu", "unhealthy"],
  ["[BC7]", "healthy", "hhuu", "healthy"],
  ["[BC7]", "healthy", "h-", "healthy"],
  ["[BC7]", "healthy", "hi", "healthy"],
  ["[BC7]", "unhealthy", "u-", "unhealthy"],
  ["[BC7]", "healthy", "ui", "unhealthy"],
  ["[BC8]", "healthy", "nn", "unavailable"],
  ["[BC8]", "unavailable", "nh", "healthy"],
  ["[BC8]", "healthy", "nu", "unavailable"],
  ["[BC9]", "healthy", "i-", "initial"],
  ["[BC9]", "unhealthy", "ii", "initial"],
  ["[BC11]", "draining", "DD", "remove"],
  ["[BC11]", "draining", "Dd", "keep"],
  ["[BC11]", "draining", "D-", "keep"],
  ["[BC11]", "draining", "hD", "keep"],
  ["[BC11]", "draining", "", "keep"],
] as const)
  test(`${rule} a target recorded as ${recorded} of which balancers say "${letters}": ${expected}`, () => {
    assert.equal(answer(recorded, letters), expected);
  });

test("[BC10] reason and description are the first's that says what is recorded", () => {
  const opinions: Opinion[] = [
    { state: "healthy" },
    { state: "unhealthy", reason: "Target.Timeout", description: "Request timed out" },
    { state: "unhealthy", reason: "Target.FailedHealthChecks", description: "Health checks failed" },
  ];
  assert.deepEqual(targetVerdict({ state: "healthy" }, opinions), {
    kind: "record",
    health: { state: "unhealthy", reason: "Target.Timeout", description: "Request timed out" },
  });
});

test("[BC7] with one balancer a target is what that one says, and fewer than half never make a target unhealthy", () => {
  const letter = fc.constantFrom("h", "u", "i", "n", "-");
  const recorded = fc.constantFrom("initial", "healthy", "unhealthy", "unavailable");
  fc.assert(
    fc.property(recorded, fc.array(letter, { maxLength: 5 }), (state, letters) => {
      const given = letters.join("");
      const was = answer(state, given);
      if (letters.length === 1 && letters[0] !== "-") assert.equal(was, SAYS[letters[0] as "h"].state);
      const against = letters.filter((l) => l === "u").length;
      const judged = letters.filter((l) => "hun".includes(l)).length;
      if (was === "unhealthy") assert.ok(against * 2 > judged, given);
      // The order says nothing but whose reason it is.
      assert.equal(answer(state, letters.toReversed().join("")), was);
    }),
  );
});
