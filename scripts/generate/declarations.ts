import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

/** What the SDK ships only as text: the enum of each member, the documentation, each operation's errors and number kinds. */
export interface Declarations {
  /** "Structure.member" -> the name in its type that is an enum, if any of `enums` is named there. */
  readonly enumOf: ReadonlyMap<string, string>;
  /** "Structure.member" -> its documentation, as HTML. */
  readonly memberDocs: ReadonlyMap<string, string>;
  readonly operations: ReadonlyMap<string, OperationDeclaration>;
}

export interface OperationDeclaration {
  /** HTML. */
  readonly doc: string;
  readonly errors: readonly string[];
  /** The lines of the bare-bones example, from which number kinds are read. */
  readonly exampleLines: readonly string[];
}

/** Reads `dist-types` of an SDK client. `enums` holds the names of the enums that the package exports. */
export function readDeclarations(packageName: string, enums: ReadonlySet<string>): Declarations {
  const root = path.join(path.dirname(createRequire(import.meta.url).resolve(packageName)), "../dist-types");
  const enumOf = new Map<string, string>();
  const memberDocs = new Map<string, string>();
  for (const file of readdirSync(path.join(root, "models")).sort())
    if (/^(models_\d+|errors)\.d\.ts$/.test(file))
      readMembers(readFileSync(path.join(root, "models", file), "utf8"), enums, enumOf, memberDocs);

  const operations = new Map<string, OperationDeclaration>();
  for (const file of readdirSync(path.join(root, "commands")).sort()) {
    const name = /^(\w+)Command\.d\.ts$/.exec(file)?.[1];
    if (name !== undefined)
      operations.set(name, readOperation(readFileSync(path.join(root, "commands", file), "utf8")));
  }
  return { enumOf, memberDocs, operations };
}

function readMembers(
  source: string,
  enums: ReadonlySet<string>,
  enumOf: Map<string, string>,
  memberDocs: Map<string, string>,
): void {
  const structures = source.matchAll(/^export (?:interface|declare class) (\w+)[^{]*\{\n([\s\S]*?)^\}/gm);
  for (const [, structure, body = ""] of structures) {
    const members = body.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)?\s*^ {4}(?:readonly )?(\w+)\??: ([^;]+);$/gm);
    for (const [, doc, member, type = ""] of members) {
      const key = `${structure}.${member}`;
      if (doc !== undefined) memberDocs.set(key, commentText(doc));
      for (const [word] of type.matchAll(/\w+/g)) if (enums.has(word)) enumOf.set(key, word);
    }
  }
  // A union is a namespace of one-member structures, each an interface that the expression above does not see.
  for (const [, union, body = ""] of source.matchAll(/^export declare namespace (\w+) \{\n([\s\S]*?)^\}/gm))
    for (const [, doc, member] of body.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)\s*^ {8}(\w+): (?!never)[^;]+;$/gm))
      if (doc !== undefined) memberDocs.set(`${union}.${member}`, commentText(doc));
}

function readOperation(source: string): OperationDeclaration {
  const comment = /\/\*\*\n \* (<[\s\S]*?)\*\//.exec(source)?.[1] ?? "";
  const [doc = ""] = comment.split(/^ \* @/m);
  const errors = [...comment.matchAll(/@throws \{@link (\w+)\} \((?:client|server) fault\)/g)].map(
    (match) => match[1]!,
  );
  const example = /```javascript\n([\s\S]*?)```/.exec(comment)?.[1] ?? "";
  return {
    doc: doc.replaceAll(/^ \* ?/gm, "").trim(),
    errors: [...new Set(errors)].sort(),
    exampleLines: example.split("\n").map((line) => line.replace(/^ \* ?/, "").replace(/^\/\/ ?/, "")),
  };
}

function commentText(comment: string): string {
  const text = comment.replaceAll(/^\s*(\/\*\*|\*\/|\* ?)/gm, "").replace(/\*\/\s*$/, "");
  return (text.split(/^@/m)[0] ?? "").trim();
}
