/** An IPv4 network: `base` is its first address as a 32-bit number, `prefix` its length, 0..32. */
export interface Subnet {
  readonly base: number;
  readonly prefix: number;
}

/** Reads "10.213.0.0/24". A bare address is a network of one. Undefined when it is not a network's first address. */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1, 5).map(Number);
  const prefix = match[5] === undefined ? 32 : Number(match[5]);
  if (prefix > 32 || bytes.some((byte) => byte > 255)) return undefined;
  const base = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return base % size({ base, prefix }) === 0 ? { base, prefix } : undefined;
}

/** "10.213.0.0/24". */
export function formatSubnet(subnet: Subnet): string {
  return `${addressAt(subnet, 0)}/${subnet.prefix}`;
}

/** How many addresses it holds, the network's and the broadcast one included. */
export function size(subnet: Subnet): number {
  return 2 ** (32 - subnet.prefix);
}

/** The address `offset` places after the first: offset 1 of 10.213.0.0/24 is "10.213.0.1". Throws RangeError when outside. */
export function addressAt(subnet: Subnet, offset: number): string {
  if (offset < 0 || offset >= size(subnet)) throw new RangeError(`${offset} is outside a /${subnet.prefix}`);
  const value = subnet.base + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** Whether the two networks share an address. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base < b.base + size(b) && b.base < a.base + size(a);
}
