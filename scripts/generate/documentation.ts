import type { ModelJson } from "../../src/wire/model-json.ts";
import type { Declarations } from "./declarations.ts";

/** Short plain-text help, apart from the model so that a server need not load it. */
export interface DocumentationJson {
  readonly operations: Readonly<Record<string, string>>;
  /** "Structure.member" -> help. */
  readonly members: Readonly<Record<string, string>>;
}

const MAX_LENGTH = 280;

export function buildDocumentation(model: ModelJson, declarations: Declarations): DocumentationJson {
  const operations: Record<string, string> = {};
  for (const name of Object.keys(model.operations))
    operations[name] = shortText(declarations.operations.get(name)?.doc ?? "");
  const members: Record<string, string> = {};
  for (const [structure, shape] of Object.entries(model.shapes)) {
    if (!("members" in shape)) continue;
    for (const member of Object.keys(shape.members)) {
      const text = shortText(declarations.memberDocs.get(`${structure}.${member}`) ?? "");
      if (text !== "") members[`${structure}.${member}`] = text;
    }
  }
  return { operations, members };
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&amp;": "&",
  "&#39;": "'",
};

/** The first paragraph as plain text, cut after the last whole sentence that fits. */
export function shortText(html: string): string {
  const [first = ""] = html.split("</p>");
  const text = first
    .replaceAll(/<[^>]+>/g, "")
    .replaceAll(/&(?:lt|gt|quot|amp|#39);/g, (entity) => ENTITIES[entity] ?? entity)
    .replaceAll(/\s+/g, " ")
    .trim();
  if (text.length <= MAX_LENGTH) return text;
  const end = text.lastIndexOf(". ", MAX_LENGTH);
  return end > 0 ? text.slice(0, end + 1) : `${text.slice(0, text.lastIndexOf(" ", MAX_LENGTH))} …`;
}
