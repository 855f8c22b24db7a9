import * as v from "valibot";
import type { Clock } from "../../runtime/clock.ts";
import { type ContainerRuntime, RuntimeError } from "../container-runtime.ts";
import { containerFacts, expectShape, imageFacts, listedContainers, runtimeHost, statsSample } from "./answers.ts";
import { negotiateApiVersion } from "./api-version.ts";
import { createBody } from "./create-body.ts";
import type { DockerEndpoint } from "./endpoint.ts";
import { type DockerRequest, dockerHttp } from "./http.ts";
import { dockerLogLines } from "./logs.ts";
import { pullQuery, readPull } from "./pull.ts";
import { watchDocker } from "./watch.ts";

const READ_MS = 30_000;
/** Limits of the official agent (agent protocol, 6.3 and 6.4). */
const CREATE_MS = 4 * 60_000;
const START_MS = 3 * 60_000;
const STOP_EXTRA_MS = 2 * 60_000;
const PULL_SILENCE_MS = 60_000;

const versionShape = v.object({ Version: v.string(), ApiVersion: v.string(), MinAPIVersion: v.nullish(v.string()) });
const createdShape = v.object({ Id: v.string() });

/** A Docker Engine (20.10 or newer) as the agent's container runtime. The only place that knows Docker's API. */
export function dockerRuntime(endpoint: DockerEndpoint, clock: Clock): ContainerRuntime & { close(): void } {
  const http = dockerHttp(endpoint);
  let known: Promise<string> | undefined;

  async function negotiate(): Promise<string> {
    const answer = expectShape(
      versionShape,
      await http.json({ method: "GET", path: "/version", timeoutMs: READ_MS }),
      "version",
    );
    const max = answer.ApiVersion;
    try {
      return `/v${negotiateApiVersion({ max, min: answer.MinAPIVersion ?? max })}`;
    } catch (cause) {
      throw new RuntimeError("failed", cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
  /** The path prefix of the negotiated version; a failed negotiation is tried again by the next caller. */
  function prefix(): Promise<string> {
    known ??= negotiate().catch((error) => {
      known = undefined;
      throw error;
    });
    return known;
  }
  async function call(
    method: DockerRequest["method"],
    path: string,
    timeoutMs: number,
    body?: unknown,
  ): Promise<unknown> {
    return http.json({ method, path: (await prefix()) + path, timeoutMs, body });
  }
  async function absentIsUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
    return answer.catch((error) => {
      if (error instanceof RuntimeError && error.kind === "not-found") return undefined;
      throw error;
    });
  }

  return {
    async version() {
      const answer = await http.json({ method: "GET", path: "/version", timeoutMs: READ_MS });
      const it = expectShape(versionShape, answer, "version");
      return { version: it.Version, apiVersion: it.ApiVersion };
    },
    async host() {
      return runtimeHost(await call("GET", "/info", READ_MS));
    },
    async ping() {
      await http.text({ method: "GET", path: "/_ping", timeoutMs: READ_MS });
    },
    async image(reference) {
      const answer = await absentIsUndefined(call("GET", `/images/${encodeURI(reference)}/json`, READ_MS));
      return answer === undefined ? undefined : imageFacts(answer);
    },
    async pull(reference, { onProgress, signal }) {
      const path = `${await prefix()}/images/create?${new URLSearchParams({ ...pullQuery(reference) })}`;
      const stream = await http.stream({ method: "POST", path, timeoutMs: PULL_SILENCE_MS, signal });
      await readPull(stream, onProgress);
    },
    async create(spec) {
      const path = `/containers/create?name=${encodeURIComponent(spec.name)}`;
      return expectShape(createdShape, await call("POST", path, CREATE_MS, createBody(spec)), "create container").Id;
    },
    async start(id) {
      await call("POST", `/containers/${id}/start`, START_MS);
    },
    async stop(id, timeoutSeconds) {
      await call("POST", `/containers/${id}/stop?t=${timeoutSeconds}`, timeoutSeconds * 1000 + STOP_EXTRA_MS);
    },
    async kill(id, signal) {
      await call("POST", `/containers/${id}/kill?signal=${encodeURIComponent(signal)}`, READ_MS);
    },
    async remove(id) {
      await absentIsUndefined(call("DELETE", `/containers/${id}?force=1&v=1`, STOP_EXTRA_MS));
    },
    async inspect(idOrName) {
      const path = `/containers/${encodeURIComponent(idOrName)}/json`;
      const answer = await absentIsUndefined(call("GET", path, READ_MS));
      return answer === undefined ? undefined : containerFacts(answer);
    },
    async list(label) {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      return listedContainers(await call("GET", `/containers/json?all=1&filters=${filters}`, READ_MS));
    },
    async createVolume({ name, driver, driverOptions, labels }) {
      await call("POST", "/volumes/create", READ_MS, {
        Name: name,
        Driver: driver,
        DriverOpts: driverOptions,
        Labels: labels,
      });
    },
    async hasVolume(name) {
      return (await absentIsUndefined(call("GET", `/volumes/${encodeURIComponent(name)}`, READ_MS))) !== undefined;
    },
    async removeVolume(name) {
      await absentIsUndefined(call("DELETE", `/volumes/${encodeURIComponent(name)}`, READ_MS));
    },
    async stats(id) {
      const answer = await absentIsUndefined(call("GET", `/containers/${id}/stats?stream=0&one-shot=1`, READ_MS));
      return answer === undefined ? undefined : statsSample(answer);
    },
    async logs(id, tail) {
      const path = `${await prefix()}/containers/${id}/logs?stdout=1&stderr=1&tail=${tail}`;
      return withoutFrameHeaders(await http.text({ method: "GET", path, timeoutMs: READ_MS }));
    },
    async *logLines(id, range) {
      yield* dockerLogLines(http, await prefix(), id, range);
    },
    watch(label, handlers) {
      const renegotiate = () => {
        known = undefined; // A daemon that went away may come back as another version.
        return prefix();
      };
      return watchDocker(http, renegotiate, clock, label, handlers);
    },
    close: () => http.close(),
  };
}

/** Docker frames each piece of output with 8 bytes: stream number, three zeros, length (unless there is a terminal). */
function withoutFrameHeaders(body: Buffer): string {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at + 8 <= body.length && (body[at] ?? 9) <= 2 && body.readUIntBE(at + 1, 3) === 0) {
    const length = body.readUInt32BE(at + 4);
    pieces.push(body.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return pieces.length > 0 ? Buffer.concat(pieces).toString() : body.toString();
}
