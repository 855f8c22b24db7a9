import {
  type Expression,
  OPERATOR_WORDS,
  OPERATORS,
  type Operator,
  type Predicate,
  type Subject,
} from "./expression.ts";
import { instantOf } from "./instant.ts";
import { Pattern } from "./pattern.ts";
import { QuerySyntaxError } from "./syntax-error.ts";

/** Source: ECS API reference, PlacementConstraint. */
export const MAX_QUERY_CHARACTERS = 2000;
/** How deep parentheses and negations may lie in one another. */
const MAX_DEPTH = 50;

const SUBJECT = /[A-Za-z0-9_./\\:-]+/y;
const WORD = /[a-z_]+/y;
const SIGN = /==|=~|!=|!~|>=|<=|>|<|!\s*in\b|!\s*exists\b/y;
/** A bare value ends at a space, a quote, a parenthesis, a bracket, a comma or a sign that joins expressions. */
const BARE_VALUE = /(?:(?!&&|\|\|)[^\s'"()[\],])+/y;
/** A bare pattern may have brackets and commas of its own; ECS allows no parentheses in it. */
const BARE_PATTERN = /(?:(?!&&|\|\|)[^\s'"()])+/y;
const ATTRIBUTE_NAME = /^[A-Za-z0-9_./\\-]{1,128}$/;

/**
 * Reads an expression of ECS's cluster query language. Negation binds tightest, then `and`, then `or`. Throws QuerySyntaxError
 * with the position of what is wrong. Source: ECS developer guide, cluster query language.
 */
export function parseQuery(text: string): Expression {
  if (text.length > MAX_QUERY_CHARACTERS) {
    throw new QuerySyntaxError(`it has more than ${MAX_QUERY_CHARACTERS} characters`, MAX_QUERY_CHARACTERS + 1);
  }
  return new QueryReader(text).read();
}

/** What is wrong with a query, as half a sentence such as `is invalid at position 3: expected …`; undefined if nothing is. */
export function queryProblem(text: string): string | undefined {
  try {
    parseQuery(text);
    return undefined;
  } catch (error) {
    if (error instanceof QuerySyntaxError) return `is invalid at position ${error.position}: ${error.message}`;
    throw error;
  }
}

class QueryReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Expression {
    const expression = this.#or();
    if (this.#at < this.#text.length) throw this.#expected("'and', 'or' or the end");
    return expression;
  }

  #or(): Expression {
    const from = this.#skipSpace();
    const terms = [this.#and()];
    while (this.#takeSign("||") || this.#takeWord("or")) terms.push(this.#and());
    return terms.length === 1 && terms[0] !== undefined ? terms[0] : { kind: "or", terms, text: this.#since(from) };
  }

  #and(): Expression {
    const from = this.#skipSpace();
    const terms = [this.#not()];
    while (this.#takeSign("&&") || this.#takeWord("and")) terms.push(this.#not());
    return terms.length === 1 && terms[0] !== undefined ? terms[0] : { kind: "and", terms, text: this.#since(from) };
  }

  #not(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong(`expressions lie more than ${MAX_DEPTH} deep in one another`);
    const expression = this.#term();
    this.#depth--;
    return expression;
  }

  #term(): Expression {
    const from = this.#skipSpace();
    if (this.#takeSign("!") || this.#takeWord("not")) {
      const term = this.#not();
      return { kind: "not", term, text: this.#since(from) };
    }
    if (!this.#takeSign("(")) return this.#predicate();
    const inner = this.#or();
    if (!this.#takeSign(")")) throw this.#expected("')'");
    return inner;
  }

  #predicate(): Predicate {
    const from = this.#skipSpace();
    const subject = this.#subject();
    const operator = this.#operator(subject);
    const { values, at } = this.#argument(operator);
    const pattern = operator === "=~" || operator === "!~" ? patternOf(values[0] ?? "", at) : undefined;
    for (const value of values) checkValue(subject, value, at);
    const text = this.#since(from);
    this.#skipSpace();
    return { kind: "predicate", subject, operator, values, pattern, text };
  }

  #subject(): Subject {
    this.#skipSpace();
    const from = this.#at;
    const name = this.#match(SUBJECT);
    if (name === undefined) throw this.#expected("a subject such as attribute:<name>, task:group or agentConnected");
    if (name.startsWith("attribute:")) {
      const attribute = name.slice("attribute:".length);
      if (!ATTRIBUTE_NAME.test(attribute)) throw this.#wrong(`'${attribute}' is no attribute name`, from);
      return { kind: "attribute", name: attribute };
    }
    if (name === "attribute" || !Object.hasOwn(OPERATORS, name)) {
      const known = Object.keys(OPERATORS).map((kind) => (kind === "attribute" ? "attribute:<name>" : kind));
      throw this.#wrong(`'${name}' is no subject; there are ${known.join(", ")}`, from);
    }
    return { kind: name as Exclude<Subject["kind"], "attribute"> };
  }

  #operator(subject: Subject): Operator {
    this.#skipSpace();
    const from = this.#at;
    const sign = this.#match(SIGN)?.replaceAll(/\s/g, "");
    const operator = sign === undefined ? OPERATOR_WORDS[this.#match(WORD) ?? ""] : (sign as Operator);
    const allowed = OPERATORS[subject.kind];
    if (operator === undefined) throw this.#expected(`an operator, one of ${allowed.join(" ")}`, from);
    if (!allowed.includes(operator)) {
      throw this.#wrong(`${subject.kind} takes the operators ${allowed.join(" ")}, not ${operator}`, from);
    }
    return operator;
  }

  #argument(operator: Operator): { readonly values: readonly string[]; readonly at: number } {
    if (operator === "exists" || operator === "!exists") return { values: [], at: this.#at };
    this.#skipSpace();
    const at = this.#at;
    if (operator === "in" || operator === "!in") return { values: this.#list(), at };
    const isQuoted = this.#text[at] === "'" || this.#text[at] === '"';
    const value = this.#value(operator === "=~" || operator === "!~" ? BARE_PATTERN : BARE_VALUE);
    return { values: [value], at: isQuoted ? at + 1 : at };
  }

  #list(): readonly string[] {
    if (!this.#takeSign("[")) throw this.#expected("a list such as [a, b]");
    const values = [this.#value(BARE_VALUE)];
    while (this.#takeSign(",")) values.push(this.#value(BARE_VALUE));
    if (!this.#takeSign("]")) throw this.#expected("',' or ']'");
    return values;
  }

  #value(bare: RegExp): string {
    this.#skipSpace();
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') {
      const value = this.#match(bare);
      if (this.#text[this.#at] === "(") throw this.#wrong("a value with parentheses must be quoted");
      if (value === undefined) throw this.#expected("a value");
      return value;
    }
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw this.#wrong(`the quote ${quote} has no end`);
    const value = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return value;
  }

  #takeSign(sign: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(sign, this.#at)) return false;
    this.#at += sign.length;
    return true;
  }

  /** Takes a word that joins or negates, if it stands alone: `not(…)` is one, `nothing` is not. */
  #takeWord(word: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(word, this.#at)) return false;
    const after = this.#text[this.#at + word.length];
    if (after !== undefined && !/[\s(!]/.test(after)) return false;
    this.#at += word.length;
    return true;
  }

  #match(expression: RegExp): string | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  /** Goes on to what is no space, and says where that is. */
  #skipSpace(): number {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#at;
  }

  /** What was read since then, without spaces at its end. */
  #since(from: number): string {
    return this.#text.slice(from, this.#at).trim();
  }

  #expected(what: string, at: number = this.#at): QuerySyntaxError {
    const found = this.#text.slice(at, at + 20).split(/\s/)[0];
    return this.#wrong(`expected ${what}, found ${found === undefined || found === "" ? "the end" : `'${found}'`}`, at);
  }

  #wrong(problem: string, at: number = this.#at): QuerySyntaxError {
    return new QuerySyntaxError(problem, at + 1);
  }
}

function patternOf(text: string, at: number): Pattern {
  try {
    return new Pattern(text);
  } catch (error) {
    if (!(error instanceof QuerySyntaxError)) throw error;
    throw new QuerySyntaxError(`in the pattern '${text}', ${error.message}`, at + error.position);
  }
}

/** Throws for a value that its subject can never be compared with. */
function checkValue({ kind }: Subject, value: string, at: number): void {
  const wrong = (what: string) => new QuerySyntaxError(`'${value}' is no ${what}`, at + 1);
  if (kind === "runningTasksCount" && !/^\d{1,9}$/.test(value)) throw wrong("number of tasks");
  if (kind === "agentVersion" && !/^v?\d{1,9}(\.\d{1,9}){0,5}$/.test(value)) throw wrong("version such as 1.14.5");
  if (kind === "registeredAt" && instantOf(value) === undefined) {
    throw wrong("date such as 2018-06-18 or 2018-06-18T22:28:28Z");
  }
}
