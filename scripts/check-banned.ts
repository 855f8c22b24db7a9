import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/** A source file holds one idea; beyond this it holds several. */
const MOST_LINES = 400;
/** Says why, within a file's first lines, when one idea takes more. */
const LONG_FOR_A_REASON = /Longer than 400 lines:/;
const NAMELESS = /^(utils?|helpers?|common|misc|shared)\.tsx?$/;

interface Ban {
  readonly call: RegExp;
  readonly instead: string;
}

const notAMember = "(?<![.\\w$#])";
const CLOCK = "a Clock that is handed in (src/runtime/clock.ts)";
const RANDOM = "a Random that is handed in (src/runtime/random.ts)";

/** Calls that make a run impossible to repeat, and what to take instead. */
const BANS: readonly Ban[] = [
  { call: /\bDate\.now\(/, instead: `now() of ${CLOCK}` },
  { call: /\bnew Date\(\s*\)/, instead: `new Date(clock.now()) with ${CLOCK}` },
  { call: new RegExp(`(?<!\\bnew\\s+)${notAMember}Date\\(`), instead: `now() of ${CLOCK}` },
  { call: /\bTemporal\.Now\b/, instead: `now() of ${CLOCK}` },
  { call: /\bperformance\.now\(/, instead: `monotonic() of ${CLOCK}` },
  { call: /\bprocess\.hrtime\b/, instead: `monotonic() of ${CLOCK}` },
  { call: new RegExp(`(?:${notAMember}|\\bglobalThis\\.)setTimeout\\(`), instead: `after() or sleep() of ${CLOCK}` },
  { call: new RegExp(`(?:${notAMember}|\\bglobalThis\\.)setInterval\\(`), instead: `every() of ${CLOCK}` },
  { call: /["'](node:)?timers(\/promises)?["']/, instead: `after(), every() or sleep() of ${CLOCK}` },
  { call: /\bMath\.random\(/, instead: `next() of ${RANDOM}` },
  { call: /\brandomUUID(v7)?\b/, instead: `uuid() of ${RANDOM}` },
  { call: /\b(randomBytes|randomInt|randomFillSync|getRandomValues)\b/, instead: `hex() or digits() of ${RANDOM}` },
];

/** Where time and chance come from, and what runs in a browser, which has no Clock of ours. */
const EXEMPT = /^src\/(runtime|console)\//;

/** What is wrong with a source file, in words with line numbers. `file` is relative to the project, such as "src/api/index.ts". */
export function complaints(file: string, source: string): readonly string[] {
  const lines = withoutComments(source).split("\n");
  const calls = EXEMPT.test(file)
    ? []
    : lines.flatMap((line, index) =>
        BANS.filter(({ call }) => !/^\s*(async\s+)?(function|static)\b/.test(line) && call.test(line)).map(
          ({ call, instead }) => `${file}:${index + 1}: ${call.exec(line)?.[0]} is banned here; take ${instead}`,
        ),
      );
  const length = source.trimEnd().split("\n").length;
  const head = source.split("\n", 12).join("\n");
  const tooLong =
    length > MOST_LINES && !LONG_FOR_A_REASON.test(head)
      ? [
          `${file}: ${length} lines, more than ${MOST_LINES}. Split it by ideas, or begin it with "Longer than 400 lines:" and why`,
        ]
      : [];
  const nameless = NAMELESS.test(basename(file)) ? [`${file}: name it for what it does`] : [];
  return [...calls, ...tooLong, ...nameless];
}

/** The same lines with comments blanked. "//" inside a string ends in something that no ban can match, which is good enough. */
function withoutComments(source: string): string {
  return source
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** Tests, and what rooms keep for their tests alone: `testing.ts` and `testing/`. */
const FOR_TESTS = /(\.test\.tsx?|(^|\/)testing(\.ts|\/.*))$/;

/** All complaints about the project's sources, tests aside. */
export function checkBanned(root: string): readonly string[] {
  const files = globSync(["src/**/*.{ts,tsx}", "sim/**/*.ts"], { cwd: root }).filter((file) => !FOR_TESTS.test(file));
  return files.sort().flatMap((file) => complaints(file, readFileSync(join(root, file), "utf8")));
}

if (import.meta.main) {
  const found = checkBanned(join(import.meta.dirname, ".."));
  for (const line of found) console.error(line);
  process.exitCode = found.length === 0 ? 0 : 1;
}
