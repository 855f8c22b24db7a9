import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { conditionLines, matchOf } from "./patterns.ts";

/** Whether `pattern` fits `text`, worked out piece by piece: the oracle. */
function fits(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*") return fits(rest, text) || (text !== "" && fits(pattern, text.slice(1)));
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) && fits(rest, text.slice(1));
}

/** What HAProxy does with a match. JavaScript has no atomic groups: one that looks ahead and takes what it saw is the same. */
function matches({ method, pattern }: ReturnType<typeof matchOf>, text: string): boolean {
  if (method === "found") return true;
  if (method === "str") return text === pattern;
  if (method === "beg") return text.startsWith(pattern);
  if (method === "end") return text.endsWith(pattern);
  if (method === "sub") return text.includes(pattern);
  let group = 0;
  const atomic = pattern.replaceAll(/\(\?>((?:[^()\\]|\\.)*)\)/g, (_, inner: string) => `(?=(${inner}))\\${++group}`);
  return new RegExp(atomic, "s").test(text);
}

test("a pattern fits what its characters and wildcards say, however it is carried out", () => {
  // Few characters on purpose: repetitions and near misses must be common.
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", ".", "*", "?"), minLength: 1, maxLength: 8 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "x"), maxLength: 8 });
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(pattern, text, (p, t) => {
      const expected = fits(p, t);
      seen[`${expected}`] += 1;
      assert.equal(matches(matchOf(p, false), t), expected);
    }),
    { numRuns: 5000 },
  );
  assert.ok(seen.true > 200 && seen.false > 200, "one side was hardly tried");
});

test("the cheapest method is taken", () => {
  const method = (pattern: string) => matchOf(pattern, false);
  assert.deepEqual(method("/a"), { method: "str", pattern: "/a" });
  assert.deepEqual(method("/api/*"), { method: "beg", pattern: "/api/" });
  assert.deepEqual(method("*.example.com"), { method: "end", pattern: ".example.com" });
  assert.deepEqual(method("*img*"), { method: "sub", pattern: "img" });
  assert.deepEqual(method("**"), { method: "found", pattern: "" });
  assert.deepEqual(method("/a*b*c?d"), { method: "reg", pattern: "^\\/a(?>.*?b).*c.d$" });
});

test("a backslash takes a wildcard as it is in headers and queries, and nowhere else", () => {
  assert.deepEqual(matchOf("a\\*\\?\\\\", true), { method: "str", pattern: "a*?\\" });
  assert.deepEqual(matchOf("a\\b", true), { method: "str", pattern: "a\\b" });
  assert.deepEqual(matchOf("a\\*", false), { method: "beg", pattern: "a\\" });
});

test("each condition becomes ACL lines of one name", () => {
  const lines = [
    ...conditionLines("a", { field: "host-header", values: ["example.com", "*.example.com", "www.*"] }),
    ...conditionLines("b", { field: "path-pattern", values: ["/a", "/b", "/img/*.png"] }),
    ...conditionLines("c", { field: "http-header", name: "User-Agent", values: ["*Chrome*"] }),
    ...conditionLines("d", { field: "http-request-method", values: ["GET", "PURGE"] }),
    ...conditionLines("e", { field: "query-string", values: [{ key: "v", value: "1*" }, { value: "x&y" }] }),
    ...conditionLines("f", { field: "source-ip", values: ["10.0.0.0/8", "fd00::/8"] }),
  ];
  assert.deepEqual(lines, [
    `  acl a req.hdr(host),host_only -m str -i -- "example.com"`,
    `  acl a req.hdr(host),host_only -m end -i -- ".example.com"`,
    `  acl a req.hdr(host),host_only -m beg -i -- "www."`,
    `  acl b path -m str -- "/a" "/b"`,
    `  acl b path -m reg -- "^\\\\/img\\\\/.*\\\\.png\\$"`,
    `  acl c "req.fhdr(User-Agent)" -m sub -i -- "Chrome"`,
    `  acl d method -- "GET" "PURGE"`,
    `  acl e query -m reg -i -- "(^|&)v=1[^&]*(&|\\$)" "(^|&)([^&=]*=)?x&y(&|\\$)"`,
    "  acl f src -- 10.0.0.0/8 fd00::/8",
  ]);
});
