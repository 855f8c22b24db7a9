import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { promisify } from "node:util";
import { HostError } from "./netns/host-error.ts";
import { type TarEntry, tar } from "./tar.ts";

const EXAMPLE = new URL("../../examples/hello/", import.meta.url);
const BUSYBOX = "/bin/busybox";
/** Docker's names of the architectures that Node names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
/** Loading 2 MB takes about 0.2 s; building from a registry's busybox takes a pull. */
const ENGINE_LIMIT_MS = 300_000;

/**
 * Puts the example service's image into an engine, by its API. From this machine's static busybox, so that no registry is needed; where
 * there is none (macOS), the engine builds it from the registry's busybox.
 * `dockerHost` is "unix:///path" or "tcp://host:port" (without TLS); `tag` such as "hello:v2", whose "v2" the page shows.
 * Throws HostError with the engine's complaint.
 */
export async function buildHelloImage(dockerHost: string, tag: string): Promise<void> {
  const engine = engineAt(dockerHost);
  const version = /:([\w.-]+)$/.exec(tag)?.[1] ?? "v1";
  const entry = await readFile(new URL("entry.sh", EXAMPLE));
  const busybox = process.platform === "linux" ? await staticBusybox() : undefined;
  if (busybox !== undefined) {
    const archive = imageArchive(tag, version, [{ path: "entry.sh", mode: 0o755, content: entry }, ...busybox]);
    return send(engine, "/images/load?quiet=1", archive);
  }
  const context = tar([
    { path: "Dockerfile", mode: 0o644, content: await readFile(new URL("Dockerfile", EXAMPLE)) },
    { path: "entry.sh", mode: 0o755, content: entry },
  ]);
  const args = encodeURIComponent(JSON.stringify({ VERSION: version }));
  return send(engine, `/build?t=${encodeURIComponent(tag)}&buildargs=${args}`, context);
}

/** The files of a root with busybox and a link for each of its commands, or undefined when there is no static busybox here. */
async function staticBusybox(): Promise<readonly TarEntry[] | undefined> {
  const program = await readFile(BUSYBOX).catch(() => undefined);
  if (program === undefined || !isStatic(program)) return undefined;
  const { stdout } = await promisify(execFile)(BUSYBOX, ["--list"]);
  const commands = stdout.split("\n").filter((name) => name !== "" && name !== "busybox");
  return [
    { path: "bin/", mode: 0o755, content: "" },
    { path: "bin/busybox", mode: 0o755, content: program },
    ...commands.map((name) => ({ path: `bin/${name}`, linkTo: "busybox" })),
    ...["proc/", "sys/", "dev/", "etc/", "tmp/", "www/"].map((path) => ({ path, mode: 0o755, content: "" })),
  ];
}

/** Whether a 64-bit little-endian ELF program runs without an interpreter (ld.so), that is without shared libraries. */
export function isStatic(program: Buffer): boolean {
  const magic = program.subarray(0, 6).toString("latin1");
  if (magic !== "\u007fELF\u0002\u0001") return false;
  const table = Number(program.readBigUInt64LE(32));
  const entrySize = program.readUInt16LE(54);
  const types = Array.from({ length: program.readUInt16LE(56) }, (_, i) => program.readUInt32LE(table + i * entrySize));
  const PT_INTERP = 3;
  return !types.includes(PT_INTERP);
}

/** An image of one layer in the form that `docker save` writes. */
function imageArchive(tag: string, version: string, files: readonly TarEntry[]): Buffer {
  const layer = tar(files);
  const config = JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: "linux",
    config: {
      Entrypoint: ["/bin/sh", "/entry.sh"],
      Env: ["PATH=/bin", `VERSION=${version}`],
      ExposedPorts: { "80/tcp": {} },
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created_by: "busybox and examples/hello/entry.sh" }],
  });
  const configName = `${sha256(config)}.json`;
  const reference = tag.includes(":") ? tag : `${tag}:latest`;
  const manifest = JSON.stringify([{ Config: configName, RepoTags: [reference], Layers: ["layer.tar"] }]);
  return tar([
    { path: "manifest.json", mode: 0o644, content: manifest },
    { path: configName, mode: 0o644, content: config },
    { path: "layer.tar", mode: 0o644, content: layer },
  ]);
}

function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Where an engine's API is, as node:http takes it. */
type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function engineAt(dockerHost: string): EngineAddress {
  const socket = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (socket !== undefined) return { socketPath: socket };
  const tcp = /^(?:tcp|http):\/\/(\[[^\]]+\]|[^:/]+):(\d+)\/?$/.exec(dockerHost);
  if (tcp !== null) return { host: tcp[1]!.replace(/^\[|\]$/g, ""), port: Number(tcp[2]) };
  throw new HostError(`cannot use the engine at "${dockerHost}". Give unix:///path or tcp://host:port without TLS.`);
}

/** The engine answers 200 even to a build that fails: the failure is a line of its report. */
async function send(engine: EngineAddress, path: string, body: Buffer): Promise<void> {
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = { "content-type": "application/x-tar", "content-length": body.length };
    const call = request({ ...engine, path, method: "POST", headers, timeout: ENGINE_LIMIT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${ENGINE_LIMIT_MS / 1000} s`)));
    call.on("error", reject);
    call.end(body);
  }).catch((error: unknown) => {
    throw new HostError(`the engine cannot be reached: ${String(error)}`, { cause: error });
  });
  const failure = text.split("\n").find((line) => line.includes('"error"'));
  if (status !== 200 || failure !== undefined)
    throw new HostError(`the engine refused the example image (status ${status}): ${failure ?? text.trim()}`);
}
