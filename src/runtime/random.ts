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
      const text = b.toString("hex");
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
    },
  };
}

/** Asked of the operating system at a time: one question costs as much for 16 bytes as for these. */
const POOL_BYTES = 16_384;

/** Cryptographically strong chance, from the operating system. Each byte is handed out once and then overwritten. */
export function systemRandom(): Random {
  let pool = Buffer.alloc(0);
  let used = 0;
  return fromBytes((count) => {
    if (count > POOL_BYTES) return randomBytes(count);
    if (used + count > pool.length) {
      pool = randomBytes(POOL_BYTES);
      used = 0;
    }
    const bytes = Buffer.from(pool.subarray(used, used + count));
    pool.fill(0, used, used + count);
    used += count;
    return bytes;
  });
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
