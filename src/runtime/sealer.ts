import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "./random.ts";

/** Encrypts what must not be read where it is stored. */
export interface Sealer {
  /** `context` is where it belongs, such as an ARN: sealed text opens only there. */
  seal(text: string, context: string): string;
  /** Throws if it was sealed with another key or for another context, or was changed. */
  open(sealed: string, context: string): string;
}

const ALGORITHM = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The form of sealed text: a later one gets another number. */
const FORM = "1.";

/** AES-256-GCM with `key` (64 hex digits) and a random nonce each time. */
export function createSealer(key: string, random: Random): Sealer {
  const bytes = Buffer.from(key, "hex");
  if (bytes.length !== 32) throw new RangeError("the key of a sealer has 64 hex digits");
  return {
    seal: (text, context) => {
      const nonce = Buffer.from(random.hex(NONCE_BYTES), "hex");
      const cipher = createCipheriv(ALGORITHM, bytes, nonce).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return FORM + sealed.toString("base64");
    },
    open: (sealed, context) => {
      if (!sealed.startsWith(FORM)) throw new Error(`sealed text for ${context} has a form that is not known here`);
      const all = Buffer.from(sealed.slice(FORM.length), "base64");
      try {
        const decipher = createDecipheriv(ALGORITHM, bytes, all.subarray(0, NONCE_BYTES));
        decipher.setAAD(Buffer.from(context)).setAuthTag(all.subarray(-TAG_BYTES));
        const text = decipher.update(all.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (error) {
        const why = "it was changed, or sealed with another key or for something else";
        throw new Error(`sealed text for ${context} cannot be opened: ${why}`, { cause: error });
      }
    },
  };
}
