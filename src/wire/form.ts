import { AwsError } from "./errors.ts";
import { MAX_FORM_PARAMETERS, MAX_PARAMETER_PARTS } from "./limits.ts";

/** A parameter of a form: its own value, and what stands below it after a dot. */
export interface FormNode {
  value: string | undefined;
  readonly children: Map<string, FormNode>;
}

/**
 * Reads `A.member.1.B=x&...` into a tree.
 * @throws AwsError MalformedQueryString on bad percent-encoding or a parameter given twice; ValidationError when there are
 *   too many parameters or a name has too many parts.
 */
export function parseForm(body: Uint8Array): FormNode {
  const root = newNode();
  if (body.length === 0) return root;
  const pairs = Buffer.from(body)
    .toString("latin1")
    .split("&", MAX_FORM_PARAMETERS + 1);
  if (pairs.length > MAX_FORM_PARAMETERS)
    throw new AwsError("ValidationError", `The request has more than ${MAX_FORM_PARAMETERS} parameters`);
  for (const pair of pairs) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = unescapeForm(equals < 0 ? pair : pair.slice(0, equals));
    const node = nodeAt(root, name);
    if (node.value !== undefined)
      throw new AwsError("MalformedQueryString", `The parameter ${name} was given more than once`);
    node.value = equals < 0 ? "" : unescapeForm(pair.slice(equals + 1));
  }
  return root;
}

function newNode(): FormNode {
  return { value: undefined, children: new Map() };
}

function nodeAt(root: FormNode, name: string): FormNode {
  const parts = name.split(".");
  if (parts.length > MAX_PARAMETER_PARTS)
    throw new AwsError("ValidationError", `A parameter's name has more than ${MAX_PARAMETER_PARTS} parts`);
  let node = root;
  for (const part of parts) {
    let next = node.children.get(part);
    if (next === undefined) {
      next = newNode();
      node.children.set(part, next);
    }
    node = next;
  }
  return node;
}

function unescapeForm(text: string): string {
  const spaced = text.replaceAll("+", " ");
  if (!/[%\x80-\xff]/.test(spaced)) return spaced;
  try {
    // What a lax client left unescaped is UTF-8 in the body; it was read byte by byte and is escaped here first.
    return decodeURIComponent(spaced.replaceAll(/[\x80-\xff]/g, (c) => `%${c.charCodeAt(0).toString(16)}`));
  } catch {
    throw new AwsError("MalformedQueryString", "The query string contains a syntax error");
  }
}
