import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const RULE = /\[([A-Z]{2}\d+)\]/g;

/** What does not hold between the numbered rules and the tests that cite them, one complaint per line. */
export function ruleComplaints(rulePages: readonly string[], tests: readonly string[]): string[] {
  const defined = rulePages.flatMap((page) =>
    [...page.matchAll(/^- \*\*\[([A-Z]{2}\d+)\]\*\*/gm)].map((match) => match[1] ?? ""),
  );
  const cited = new Set(tests.flatMap((text) => [...text.matchAll(RULE)].map((match) => match[1] ?? "")));
  const twice = defined.filter((rule, i) => defined.indexOf(rule) !== i);
  return [
    ...twice.map((rule) => `[${rule}] is defined twice in docs/rules/`),
    ...defined.filter((rule) => !cited.has(rule)).map((rule) => `[${rule}] has no test that cites it`),
    ...[...cited]
      .filter((rule) => !defined.includes(rule))
      .map((rule) => `[${rule}] is cited by a test but not in docs/rules/`),
  ];
}

/** The rules and tests of this checkout. */
function complaintsOf(root: string): string[] {
  const read = (pattern: string) =>
    globSync(pattern, { cwd: root }).map((file) => readFileSync(join(root, file), "utf8"));
  return ruleComplaints(read("docs/rules/*.md"), [...read("src/**/*.test.ts"), ...read("test/**/*.test.ts")]);
}

if (import.meta.main) {
  const complaints = complaintsOf(dirname(import.meta.dirname));
  for (const complaint of complaints) console.error(complaint);
  process.exitCode = complaints.length === 0 ? 0 : 1;
}
