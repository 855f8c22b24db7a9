import { randomBytes } from "node:crypto";

/** Where a process gets chance from. Each purpose asks for its own stream, so that one more draw does not shift the rest. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** `bytes` random bytes as lower-case hex: 2 characters per byte. */
  hex(bytes: number): string;
  /** `count` random decimal digits; the first may be 0. */
  digits(count: number): string;
  /** A version 4 UUID. */
  uuid(): string;
}

function fromBytes(bytes: (count: number) => Uint8Array): Random {
  const hex = (count: number) => Buffer.from(bytes(count)).toString("hex");
  return {
    next: () => Buffer.from(bytes(6)).readUIntBE(0, 6) / 2 ** 48,
    hex,
    // 250 is the largest multiple of 10 in a byte: bytes above it are dropped so that every digit is equally likely.
    digits: (count) => {
      let out = "";
      while (out.length < count)
        for (const byte of bytes(count)) if (byte < 250 && out.length < count) out += byte % 10;
      return out;
    },
    uuid: () => {
      const b = Buffer.from(bytes(16));
      b[6] = ((b[6] ?? 0) & 0x0f) | 0x40;
      b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
      return b.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  };
}

/** Cryptographically strong chance, from the operating system. */
export function systemRandom(): Random {
  return fromBytes((count) => randomBytes(count));
}

/** The same sequence for the same seed, for tests and simulation. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  // mulberry32: small, fast, and good enough to explore with.
  const next32 = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  return fromBytes((count) => Uint8Array.from({ length: count }, () => next32() & 0xff));
}
