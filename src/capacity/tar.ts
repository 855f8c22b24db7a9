/** One entry of a tar archive. Directories end in "/". */
export type TarEntry =
  | { readonly path: string; readonly mode: number; readonly content: Uint8Array | string }
  | { readonly path: string; readonly linkTo: string };

const BLOCK = 512;

/** A tar archive (POSIX ustar), owned by root, with all times 0: the same entries always give the same bytes. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = "content" in entry ? Buffer.from(entry.content) : Buffer.alloc(0);
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [header(entry, content.length), content, padding];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** Throws RangeError for a path of more than 100 bytes, which this writer has no need of. */
function header(entry: TarEntry, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (Buffer.byteLength(entry.path) > 100) throw new RangeError(`path too long for the archive: ${entry.path}`);
  const isLink = "linkTo" in entry;
  block.write(entry.path, 0);
  block.write(octal(isLink ? 0o777 : entry.mode, 7), 100);
  block.write(octal(0, 7), 108); // owner
  block.write(octal(0, 7), 116); // group
  block.write(octal(length, 11), 124);
  block.write(octal(0, 11), 136); // time
  block.write("        ", 148); // the checksum counts as blanks while it is worked out
  block.write(isLink ? "2" : entry.path.endsWith("/") ? "5" : "0", 156);
  if (isLink) block.write(entry.linkTo, 157);
  block.write("ustar\u000000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
