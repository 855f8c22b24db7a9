/** An element of an XML document. Attributes and namespaces are left out: AWS puts nothing in them. */
export interface XmlElement {
  readonly name: string;
  /** The text directly inside it, entities replaced. */
  text: string;
  readonly children: XmlElement[];
}

/** Elements nest at most this deep; the deepest response of ELBv2 nests 10 levels. */
const MAX_DEPTH = 64;

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/**
 * Reads the XML that AWS Query services answer: elements, text, entities, CDATA, comments. Document types are refused.
 * @throws SyntaxError if `text` is not well-formed.
 */
export function parseXml(text: string): XmlElement {
  const token = /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([^\s/<>!?]+)[^<>]*?(\/?)>|([^<]+)/y;
  const root: XmlElement = { name: "", text: "", children: [] };
  const open: XmlElement[] = [root];
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    const top = open.at(-1);
    if (match === null || top === undefined) throw new SyntaxError(`not well-formed XML at character ${at}`);
    const [, cdata, closing, name, selfClosing, characters] = match;
    if (cdata !== undefined) top.text += cdata;
    else if (characters !== undefined) top.text += unescapeXml(characters);
    else if (name !== undefined && closing === "/") {
      if (top.name !== name || open.length === 1) throw new SyntaxError(`</${name}> closes <${top.name}>`);
      open.pop();
    } else if (name !== undefined) {
      const element: XmlElement = { name, text: "", children: [] };
      top.children.push(element);
      if (selfClosing === "") open.push(element);
      if (open.length > MAX_DEPTH) throw new SyntaxError(`XML nests deeper than ${MAX_DEPTH} levels`);
    }
  }
  const [document] = root.children;
  if (open.length !== 1 || document === undefined || root.children.length !== 1)
    throw new SyntaxError("not one well-formed XML element");
  return document;
}

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
