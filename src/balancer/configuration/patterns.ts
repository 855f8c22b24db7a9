import { assertNever } from "../../runtime/assert-never.ts";
import type { RuleCondition } from "../listener-rules.ts";
import { quoteWord } from "./quote-word.ts";

/** A piece of a pattern: characters to find as they are, one character, or any number of them. */
type Piece = string | { readonly any: "one" | "many" };

const MANY: Piece = { any: "many" };
const ONE: Piece = { any: "one" };

/** Takes a pattern apart. With `escapes`, a backslash takes the `*`, `?` or backslash after it as it is. */
function piecesOf(pattern: string, escapes: boolean): Piece[] {
  const pieces: Piece[] = [];
  const literal = (text: string) => {
    const last = pieces.at(-1);
    if (typeof last === "string") pieces[pieces.length - 1] = last + text;
    else pieces.push(text);
  };
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? "";
    if (escapes && char === "\\" && /^[*?\\]/.test(pattern.slice(at + 1))) {
      at += 1;
      literal(pattern[at] ?? "");
    } else if (char === "?") pieces.push(ONE);
    else if (char !== "*") literal(char);
    else if (pieces.at(-1) !== MANY) pieces.push(MANY); // two in a row are one
  }
  return pieces;
}

const escapeRegex = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/**
 * The pieces as a regular expression without anchors, where `class` is what a wildcard stands for. Between two `*` the first
 * place that fits is always good enough, so it is kept (`(?>…)`): matching takes no more than pattern times text, however hostile
 * the text is.
 */
function regexOf(pieces: readonly Piece[], char: string): string {
  const runs: string[] = [""];
  for (const piece of pieces) {
    if (piece === MANY) runs.push("");
    else runs[runs.length - 1] += typeof piece === "string" ? escapeRegex(piece) : char;
  }
  const [first = "", ...rest] = runs;
  const last = rest.pop();
  const middle = rest.map((run) => `(?>${char}*?${run})`).join("");
  return last === undefined ? first : `${first}${middle}${char}*${last}`;
}

/** How one value is looked for: HAProxy's matching method and its pattern. `found` takes no pattern. */
export interface Match {
  readonly method: "str" | "beg" | "end" | "sub" | "reg" | "found";
  readonly pattern: string;
}

/** The cheapest matching method for a pattern over a whole text. */
export function matchOf(pattern: string, escapes: boolean): Match {
  const pieces = piecesOf(pattern, escapes);
  const [a, b, c, d] = pieces;
  if (d === undefined && !pieces.includes(ONE)) {
    if (typeof a === "string" && b === undefined) return { method: "str", pattern: a };
    if (typeof a === "string" && b === MANY && c === undefined) return { method: "beg", pattern: a };
    if (a === MANY && typeof b === "string" && c === undefined) return { method: "end", pattern: b };
    if (a === MANY && typeof b === "string" && c === MANY) return { method: "sub", pattern: b };
    if (a === MANY && b === undefined) return { method: "found", pattern: "" };
  }
  return { method: "reg", pattern: `^${regexOf(pieces, ".")}$` };
}

/** A query's parameter: its key and value are matched within one parameter. */
function parameterMatch({ key, value }: { readonly key?: string; readonly value: string }): Match {
  const part = (pattern: string) => regexOf(piecesOf(pattern, true), "[^&]");
  const keyPart = key === undefined ? "([^&=]*=)?" : `${part(key)}=`;
  return { method: "reg", pattern: `(^|&)${keyPart}${part(value)}(&|$)` };
}

function aclLines(name: string, fetch: string, flags: string, matches: readonly Match[]): string[] {
  // Lines of one name are alternatives, and so are patterns in a line.
  return [...Map.groupBy(matches, ({ method }) => method)].map(([method, some]) => {
    const patterns = some.map(({ pattern }) => quoteWord(pattern)).join(" ");
    return `  acl ${name} ${fetch} -m ${method}${method === "found" ? "" : `${flags} -- ${patterns}`}`;
  });
}

/** The `acl` lines that make `name` true for the requests that fulfil `condition`. */
export function conditionLines(name: string, condition: RuleCondition): string[] {
  switch (condition.field) {
    case "host-header":
      return aclLines(
        name,
        "req.hdr(host),host_only",
        " -i",
        condition.values.map((value) => matchOf(value, false)),
      );
    case "path-pattern":
      return aclLines(
        name,
        "path",
        "",
        condition.values.map((value) => matchOf(value, false)),
      );
    case "http-header": {
      const fetch = quoteWord(`req.fhdr(${condition.name})`);
      return aclLines(
        name,
        fetch,
        " -i",
        condition.values.map((value) => matchOf(value, true)),
      );
    }
    case "http-request-method":
      return [`  acl ${name} method -- ${condition.values.map(quoteWord).join(" ")}`];
    case "query-string":
      return aclLines(name, "query", " -i", condition.values.map(parameterMatch));
    case "source-ip":
      return [`  acl ${name} src -- ${condition.values.join(" ")}`];
    default:
      return assertNever(condition, "rule condition");
  }
}
