import { existsSync } from "node:fs";
import { get } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { HOST_PROGRAMS, hasProgram } from "./netns/requirements.ts";

/** An engine that does not answer within this time is not in reach. */
const PING_LIMIT_MS = 2_000;

/** What this machine can offer to `berth start`. */
export interface Machine {
  /** hosts: local hosts of its own can be made. engine: a Docker Engine in reach can be the only host. none: neither. */
  readonly mode: "hosts" | "engine" | "none";
  /** What stands in the way of local hosts, one thing per line with what to do. Empty in mode hosts. */
  readonly missing: readonly string[];
  /** Where HAProxy comes from: the PATH, a container of the engine in reach, or nowhere. */
  readonly haproxy: "path" | "container" | "none";
  /** The engine in reach, such as "unix:///var/run/docker.sock". Looked for only where hosts cannot be made or HAProxy is missing. */
  readonly dockerHost?: string;
}

/** What detection looks at; a test gives its own. */
export interface Surroundings {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hasProgram: (program: string) => boolean;
  readonly engineAnswers: (dockerHost: string) => Promise<boolean>;
}

/** Finds out whether this machine can make local hosts, or has an engine to use in their place. Changes nothing. */
export async function detectMachine(given: Partial<Surroundings> = {}): Promise<Machine> {
  const here: Surroundings = {
    platform: process.platform,
    isRoot: process.geteuid?.() === 0,
    env: process.env,
    hasProgram,
    engineAnswers: pingEngine,
    ...given,
  };
  const missing = missingForHosts(here);
  const haproxyOnPath = here.hasProgram("haproxy");
  if (missing.length === 0 && haproxyOnPath) return { mode: "hosts", missing, haproxy: "path" };
  const dockerHost = await engineInReach(here);
  const haproxy = haproxyOnPath ? "path" : dockerHost === undefined ? "none" : "container";
  if (missing.length === 0) return { mode: "hosts", missing, haproxy, dockerHost };
  return { mode: dockerHost === undefined ? "none" : "engine", missing, haproxy, dockerHost };
}

function missingForHosts({ platform, isRoot, hasProgram }: Surroundings): readonly string[] {
  if (platform !== "linux") return [`local hosts need Linux; this is ${platform}`];
  const programs = Object.entries(HOST_PROGRAMS)
    .filter(([program]) => !hasProgram(program))
    .map(([program, packageName]) => `${program} is missing; on Debian or Ubuntu: apt-get install ${packageName}`);
  return isRoot ? programs : ["local hosts need root; run it with sudo", ...programs];
}

/** DOCKER_HOST, or the first of the usual sockets on which an engine answers. */
async function engineInReach({ env, engineAnswers }: Surroundings): Promise<string | undefined> {
  if (env.DOCKER_HOST !== undefined && env.DOCKER_HOST !== "")
    return (await engineAnswers(env.DOCKER_HOST)) ? env.DOCKER_HOST : undefined;
  const home = env.HOME ?? homedir();
  const sockets = [
    "/var/run/docker.sock",
    ...(env.XDG_RUNTIME_DIR === undefined ? [] : [join(env.XDG_RUNTIME_DIR, "docker.sock")]),
    // Docker Desktop, Colima, OrbStack, Rancher Desktop
    ...[".docker/run/docker.sock", ".colima/default/docker.sock", ".orbstack/run/docker.sock", ".rd/docker.sock"].map(
      (path) => join(home, path),
    ),
  ];
  for (const socket of sockets) if (await engineAnswers(`unix://${socket}`)) return `unix://${socket}`;
  return undefined;
}

/** Whether an engine answers at "unix:///path" or "tcp://host:port". Any other address is out of reach. */
async function pingEngine(dockerHost: string): Promise<boolean> {
  const socketPath = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  const tcp = /^(?:tcp|http):\/\/\[?([^\]/]+?)\]?:(\d+)\/?$/.exec(dockerHost);
  if (socketPath === undefined && tcp === null) return false;
  if (socketPath !== undefined && !existsSync(socketPath)) return false;
  const where = socketPath === undefined ? { host: tcp?.[1], port: Number(tcp?.[2]) } : { socketPath };
  return new Promise((resolve) => {
    const request = get({ ...where, path: "/_ping", timeout: PING_LIMIT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  });
}
