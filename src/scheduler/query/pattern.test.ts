import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_PATTERN_STEPS, Pattern } from "./pattern.ts";
import { QuerySyntaxError } from "./syntax-error.ts";

test("[PL12] a pattern must match the whole value", () => {
  const rows: [pattern: string, value: string, matches: boolean][] = [
    ["t2.*", "t2.micro", true],
    ["t2.*", "xt2.micro", false],
    ["t2", "t2.micro", false],
    ["t2|t3", "t3", true],
    ["t2|t3", "t33", false],
    ["", "", true],
    ["", "a", false],
    ["a|", "", true],
    ["^t2$", "t2", true],
    ["a^b", "ab", false],
    ["(t2|m[45])\\.(micro|x?large)", "m5.xlarge", true],
    ["(t2|m[45])\\.(micro|x?large)", "m6.xlarge", false],
    ["t2\\.micro", "t2xmicro", false],
    ["[^a-c]", "b", false],
    ["[^a-c]", "d", true],
    ["[]a]", "]", true],
    ["[a-]", "-", true],
    ["[\\d.]+", "10.2", true],
    ["\\w+\\s\\W", "ab_1 -", true],
    ["a{2}", "aaa", false],
    ["a{2,}", "aaa", true],
    ["a{1,3}b", "aaab", true],
    ["a{1,3}b", "aaaab", false],
    ["a{0}b", "b", true],
    ["(?:ab)+?", "abab", true],
    [".", "\n", false],
    [".", "\u{1f600}", true],
    ["\u{1f600}+", "\u{1f600}\u{1f600}", true],
    ["(a*)*", "aaa", true],
    ["(a|b*)*c", "abbac", true],
  ];
  for (const [pattern, value, matches] of rows) {
    assert.equal(new Pattern(pattern).matches(value), matches, `${pattern} on ${value}`);
  }
});

test("[PL12] what is no pattern, or would need backtracking, is refused with its position", () => {
  const rows: [pattern: string, position: number, problem: RegExp][] = [
    ["*a", 1, /nothing that '\*' could repeat/],
    ["a|*", 3, /nothing that/],
    ["(a", 1, /no end/],
    ["a)", 2, /no group/],
    ["[a", 1, /no end/],
    ["[b-a]", 5, /range/],
    ["a{", 2, /\{n,m\}/],
    ["a{3,2}", 2, /below/],
    ["a{101}", 2, /at most 100/],
    ["a**", 3, /cannot be repeated/],
    ["a*+", 3, /possessive/],
    ["^*", 2, /anchor/],
    ["(a)\\1", 4, /escape '\\1'/],
    ["\\bx", 1, /escape '\\b'/],
    ["(?=a)", 1, /not carried out/],
    ["x(?i)a", 2, /not carried out/],
    ["[a&&b]", 3, /intersections/],
    ["[a[b]]", 3, /class within a class/],
    ["[\\D]", 4, /negated escapes/],
    ["a\\", 3, /nothing is escaped/],
    [`${"(".repeat(21)}a`, 21, /deep/],
    [`(${"a{90}".repeat(3)}){90}`, 1, new RegExp(`${MAX_PATTERN_STEPS} steps`)],
  ];
  for (const [pattern, position, problem] of rows) {
    assert.throws(
      () => new Pattern(pattern),
      (error) => error instanceof QuerySyntaxError && error.position === position && problem.test(error.message),
      pattern,
    );
  }
});

test("[PL12] patterns that blow up backtracking matchers are decided at once", () => {
  const value = "a".repeat(255);
  for (const hostile of ["(a*)*b", "(a|a)*b", "(a|aa)+b", "(.*)*x(.*)*y", "(a?){100}a{100}b", "(.*a){20}b"]) {
    assert.equal(new Pattern(hostile).matches(value), false, hostile);
  }
});

const piece: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\.", "\\w", "\\d", "^", "$"),
    fc.array(tie("node"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("")),
    fc.array(tie("node"), { minLength: 2, maxLength: 3 }).map((options) => `(${options.join("|")})`),
    fc
      .tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"))
      .map(([node, times]) => `(${node})${times}`),
  ),
})).node;

test("[PL12] patterns match what a backtracking matcher matches, on values that are short enough for it", () => {
  const seen = { yes: 0, no: 0 };
  const value = fc.string({ unit: fc.constantFrom("a", "b", ".", "1"), maxLength: 6 });
  fc.assert(
    fc.property(piece, value, (pattern, text) => {
      const expected = new RegExp(`^(?:${pattern})$`, "u").test(text);
      assert.equal(new Pattern(pattern).matches(text), expected);
      seen[expected ? "yes" : "no"]++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen.yes > 50 && seen.no > 50, "the test hardly tried one side");
});
