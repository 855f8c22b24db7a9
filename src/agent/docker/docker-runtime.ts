import * as v from "valibot";
import type { Clock } from "../../runtime/clock.ts";
import type {
  ContainerFacts,
  ContainerRuntime,
  ContainerSpec,
  ImageFacts,
  ListedContainer,
  LogLine,
  LogRange,
  RuntimeHost,
  RuntimeVersion,
  StatsSample,
  VolumeSpec,
  WatchHandlers,
} from "../container-runtime.ts";
import { containerFacts, expectShape, imageFacts, listedContainers, runtimeHost, statsSample } from "./answers.ts";
import { DockerApi, READ_MS } from "./api.ts";
import { createBody } from "./create-body.ts";
import type { DockerEndpoint } from "./endpoint.ts";
import { dockerHttp } from "./http.ts";
import { dockerLogLines } from "./logs.ts";
import { pullQuery, readPull } from "./pull.ts";
import { watchDocker } from "./watch.ts";

/** Limits of the official agent (agent protocol, 6.3 and 6.4). */
const CREATE_MS = 4 * 60_000;
const START_MS = 3 * 60_000;
const STOP_EXTRA_MS = 2 * 60_000;
const PULL_SILENCE_MS = 60_000;

const distributionShape = v.object({
  Descriptor: v.object({ digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)) }),
});
const createdShape = v.object({ Id: v.string() });

/** A Docker Engine (20.10 or newer) as the agent's container runtime. The only place that knows Docker's API. */
export function dockerRuntime(endpoint: DockerEndpoint, clock: Clock): ContainerRuntime & { close(): void } {
  return new DockerRuntime(endpoint, clock);
}

class DockerRuntime implements ContainerRuntime {
  readonly #api: DockerApi;
  readonly #clock: Clock;

  constructor(endpoint: DockerEndpoint, clock: Clock) {
    this.#api = new DockerApi(dockerHttp(endpoint));
    this.#clock = clock;
  }

  version(): Promise<RuntimeVersion> {
    return this.#api.version();
  }

  async host(): Promise<RuntimeHost> {
    return runtimeHost(await this.#api.call("GET", "/info", READ_MS));
  }

  async ping(): Promise<void> {
    await this.#api.http.text({ method: "GET", path: "/_ping", timeoutMs: READ_MS });
  }

  async image(reference: string): Promise<ImageFacts | undefined> {
    const answer = await this.#api.callUnlessAbsent("GET", `/images/${encodeURI(reference)}/json`, READ_MS);
    return answer === undefined ? undefined : imageFacts(answer, reference);
  }

  async registryDigest(reference: string, timeoutMs: number): Promise<string> {
    const answer = await this.#api.call("GET", `/distribution/${encodeURI(reference)}/json`, timeoutMs);
    return expectShape(distributionShape, answer, "inspect an image in its registry").Descriptor.digest;
  }

  async pull(
    reference: string,
    { onProgress, signal }: { readonly onProgress: () => void; readonly signal: AbortSignal },
  ): Promise<void> {
    const path = `${await this.#api.prefix()}/images/create?${new URLSearchParams({ ...pullQuery(reference) })}`;
    const stream = await this.#api.http.stream({ method: "POST", path, timeoutMs: PULL_SILENCE_MS, signal });
    await readPull(stream, onProgress);
  }

  async create(spec: ContainerSpec): Promise<string> {
    const path = `/containers/create?name=${encodeURIComponent(spec.name)}`;
    const answer = await this.#api.call("POST", path, CREATE_MS, createBody(spec));
    return expectShape(createdShape, answer, "create container").Id;
  }

  async start(id: string): Promise<void> {
    await this.#api.call("POST", `/containers/${id}/start`, START_MS);
  }

  async stop(id: string, timeoutSeconds: number): Promise<void> {
    const limitMs = timeoutSeconds * 1000 + STOP_EXTRA_MS;
    await this.#api.call("POST", `/containers/${id}/stop?t=${timeoutSeconds}`, limitMs);
  }

  async kill(id: string, signal: string): Promise<void> {
    await this.#api.call("POST", `/containers/${id}/kill?signal=${encodeURIComponent(signal)}`, READ_MS);
  }

  async remove(id: string): Promise<void> {
    await this.#api.callUnlessAbsent("DELETE", `/containers/${id}?force=1&v=1`, STOP_EXTRA_MS);
  }

  async inspect(idOrName: string): Promise<ContainerFacts | undefined> {
    const path = `/containers/${encodeURIComponent(idOrName)}/json`;
    const answer = await this.#api.callUnlessAbsent("GET", path, READ_MS);
    return answer === undefined ? undefined : containerFacts(answer);
  }

  async list(label: string): Promise<readonly ListedContainer[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    return listedContainers(await this.#api.call("GET", `/containers/json?all=1&filters=${filters}`, READ_MS));
  }

  async createVolume({ name, driver, driverOptions, labels }: VolumeSpec): Promise<void> {
    const body = { Name: name, Driver: driver, DriverOpts: driverOptions, Labels: labels };
    await this.#api.call("POST", "/volumes/create", READ_MS, body);
  }

  async hasVolume(name: string): Promise<boolean> {
    const path = `/volumes/${encodeURIComponent(name)}`;
    return (await this.#api.callUnlessAbsent("GET", path, READ_MS)) !== undefined;
  }

  async removeVolume(name: string): Promise<void> {
    await this.#api.callUnlessAbsent("DELETE", `/volumes/${encodeURIComponent(name)}`, READ_MS);
  }

  async stats(id: string): Promise<StatsSample | undefined> {
    const path = `/containers/${id}/stats?stream=0&one-shot=1`;
    const answer = await this.#api.callUnlessAbsent("GET", path, READ_MS);
    return answer === undefined ? undefined : statsSample(answer);
  }

  async logs(id: string, tail: number): Promise<string> {
    const path = `${await this.#api.prefix()}/containers/${id}/logs?stdout=1&stderr=1&tail=${tail}`;
    return withoutFrameHeaders(await this.#api.http.text({ method: "GET", path, timeoutMs: READ_MS }));
  }

  async *logLines(id: string, range: LogRange): AsyncIterable<LogLine> {
    yield* dockerLogLines(this.#api.http, await this.#api.prefix(), id, range);
  }

  watch(label: string, handlers: WatchHandlers): () => void {
    const { http } = this.#api;
    return watchDocker(http, () => this.#api.renegotiatedPrefix(), this.#clock, label, handlers);
  }

  close(): void {
    this.#api.http.close();
  }
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
