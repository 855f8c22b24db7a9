/** DER, the binary form of X.509: each value as its tag, its length and its content. Written, never read. Source: ITU-T X.690. */
export type Der = Buffer;

function tagged(tag: number, ...contents: readonly Uint8Array[]): Der {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const hex = content.length.toString(16);
  const length = Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

export const sequence = (...items: readonly Der[]): Der => tagged(0x30, ...items);
export const octets = (content: Uint8Array): Der => tagged(0x04, content);
export const text = (value: string): Der => tagged(0x0c, Buffer.from(value, "utf8"));
export const yes = (): Der => tagged(0x01, Buffer.from([0xff]));

/** A set; DER orders what is in it. */
export const set = (...items: readonly Der[]): Der => tagged(0x31, ...items.toSorted(Buffer.compare));

/** The bits of `content`, the last `unused` of which do not count. */
export const bits = (content: Uint8Array, unused = 0): Der => tagged(0x03, Buffer.from([unused]), content);

/** A whole number of 0 or more, as its big-endian bytes. */
export function integer(bytes: Uint8Array): Der {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = first === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(first));
  return tagged(0x02, (short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), short]) : short);
}

/** An object identifier in dots: its first two numbers share a byte, each other is in base 128. */
export function oid(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const digits = [number % 128];
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left % 128) | 0x80);
    return digits;
  });
  return tagged(0x06, Buffer.from(bytes));
}

/** A time in whole seconds: with two digits of the year up to 2049. Source: RFC 5280, 4.1.2.5. */
export function time(at: number): Der {
  const digits = `${new Date(at).toISOString().slice(0, 19).replaceAll(/\D/g, "")}Z`;
  return digits < "2050" ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

/** What stands in the place of a field by its number: `constructed` keeps a whole value, otherwise it is bare content. */
export const field = (number: number, content: Uint8Array, constructed = true): Der =>
  tagged((constructed ? 0xa0 : 0x80) | number, content);

/** The PEM block of that label. */
export function pem(label: string, der: Der): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join("\n");
}
