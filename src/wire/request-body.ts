import type { IncomingMessage } from "node:http";
import { gunzip } from "node:zlib";
import type { Clock } from "../runtime/clock.ts";
import { AwsError } from "./errors.ts";

export interface BodyLimits {
  /** The most bytes of a body as sent. */
  readonly maxBodyBytes: number;
  /** The most bytes of a body after decompression. */
  readonly maxDecompressedBytes: number;
  /** How long a caller may take to send the whole body. */
  readonly bodyTimeoutMs: number;
}

/** The caller went away before the request was whole: there is nobody to answer. */
export class CallerGoneError extends Error {
  constructor() {
    super("the caller closed the connection before the request was complete");
    this.name = "CallerGoneError";
  }
}

/** A body over the limit is read on and thrown away up to this many times the limit, so that its sender hears the answer. */
const DRAIN_FACTOR = 16;

/**
 * The body as sent.
 * @throws AwsError RequestEntityTooLargeException (413), RequestTimeoutException (408)
 * @throws CallerGoneError
 */
export function readBody(request: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;
    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      timer.cancel();
      act();
    };
    const timer = clock.after(limits.bodyTimeoutMs, () =>
      settle(() => {
        request.resume();
        reject(
          new AwsError("RequestTimeoutException", "The request's body did not arrive in time", { httpStatus: 408 }),
        );
      }),
    );
    request.on("data", (chunk: Buffer) => {
      if (settled) return;
      size += chunk.length;
      if (size <= limits.maxBodyBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (size > limits.maxBodyBytes * DRAIN_FACTOR) settle(() => reject(tooLarge(limits.maxBodyBytes)));
    });
    request.on("end", () =>
      settle(() =>
        size > limits.maxBodyBytes ? reject(tooLarge(limits.maxBodyBytes)) : resolve(Buffer.concat(chunks)),
      ),
    );
    request.on("error", () => settle(() => reject(new CallerGoneError())));
    request.on("close", () => settle(() => reject(new CallerGoneError())));
  });
}

/**
 * The body as meant: gzip undone.
 * @throws AwsError SerializationException, RequestEntityTooLargeException, UnsupportedMediaTypeException
 */
export function decompress(body: Buffer, contentEncoding: string | undefined, limits: BodyLimits): Promise<Buffer> {
  const encoding = contentEncoding?.trim().toLowerCase() ?? "identity";
  if (encoding === "identity" || encoding === "") return Promise.resolve(body);
  if (encoding !== "gzip") {
    const message = `Content-Encoding '${encoding.slice(0, 40)}' is not supported; gzip is.`;
    return Promise.reject(new AwsError("UnsupportedMediaTypeException", message, { httpStatus: 415 }));
  }
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: limits.maxDecompressedBytes }, (error, plain) => {
      if (error === null) resolve(plain);
      else if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
        reject(tooLarge(limits.maxDecompressedBytes));
      else reject(new AwsError("SerializationException", "The request's body is not valid gzip"));
    });
  });
}

function tooLarge(bytes: number): AwsError {
  return new AwsError("RequestEntityTooLargeException", `The request's body is larger than ${bytes} bytes`, {
    httpStatus: 413,
  });
}
