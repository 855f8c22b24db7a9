import * as v from "valibot";
import { RuntimeError, type RuntimeVersion } from "../container-runtime.ts";
import { expectShape } from "./answers.ts";
import { negotiateApiVersion } from "./api-version.ts";
import type { DockerHttp, DockerRequest } from "./http.ts";

/** Limit of a call that only reads. */
export const READ_MS = 30_000;

const versionShape = v.object({ Version: v.string(), ApiVersion: v.string(), MinAPIVersion: v.nullish(v.string()) });

/** Docker's API in the version negotiated with the daemon. The negotiation is the first caller's; a failed one the next caller's. */
export class DockerApi {
  readonly http: DockerHttp;
  #prefix: Promise<string> | undefined;

  constructor(http: DockerHttp) {
    this.http = http;
  }

  async version(): Promise<RuntimeVersion> {
    const { Version, ApiVersion } = await this.#askVersion();
    return { version: Version, apiVersion: ApiVersion };
  }

  /** The path prefix of the negotiated version, such as "/v1.41". */
  prefix(): Promise<string> {
    this.#prefix ??= this.#negotiate().catch((error) => {
      this.#prefix = undefined;
      throw error;
    });
    return this.#prefix;
  }

  /** As `prefix`, of a daemon that went away: it may come back as another version. */
  renegotiatedPrefix(): Promise<string> {
    this.#prefix = undefined;
    return this.prefix();
  }

  async call(method: DockerRequest["method"], path: string, timeoutMs: number, body?: unknown): Promise<unknown> {
    return this.http.json({ method, path: (await this.prefix()) + path, timeoutMs, body });
  }

  /** As `call`; undefined if the daemon knows no such thing. */
  async callUnlessAbsent(method: DockerRequest["method"], path: string, timeoutMs: number): Promise<unknown> {
    try {
      return await this.call(method, path, timeoutMs);
    } catch (error) {
      if (error instanceof RuntimeError && error.kind === "not-found") return undefined;
      throw error;
    }
  }

  async #askVersion(): Promise<v.InferOutput<typeof versionShape>> {
    const answer = await this.http.json({ method: "GET", path: "/version", timeoutMs: READ_MS });
    return expectShape(versionShape, answer, "version");
  }

  async #negotiate(): Promise<string> {
    const { ApiVersion: max, MinAPIVersion: min } = await this.#askVersion();
    try {
      return `/v${negotiateApiVersion({ max, min: min ?? max })}`;
    } catch (cause) {
      throw new RuntimeError("failed", cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
