import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Host } from "../../src/capacity/index.ts";
import type { Cluster } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A real container registry on an address of this machine, without TLS. */
export interface TestRegistry {
  /** Address and port, as in an image's name. */
  readonly address: string;
  /** The digest of the manifest that a tag names now. */
  digestOf(repository: string, tag: string): Promise<string>;
  /** Lets a host's engine pull from here and push to here. */
  trustedBy(cluster: Cluster, host: Host): Promise<void>;
  close(): Promise<void>;
}

const MANIFESTS = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
];

/** Starts it on a free port of `host`, an address that hosts can reach. Ended, with its files, by `close`. */
export async function startRegistry(host: string): Promise<TestRegistry> {
  const dir = mkdtempSync(join(tmpdir(), "berth-registry-"));
  const address = `${host}:${await freePort(host)}`;
  const config = join(dir, "config.yml");
  const log = openSync(join(dir, "log"), "a");
  writeFileSync(
    config,
    `version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: ${join(dir, "data")}\nhttp:\n  addr: ${address}\n`,
  );
  const registry = spawn("docker-registry", ["serve", config], { stdio: ["ignore", log, log] });
  await eventually("the registry answers", 10_000, async () => {
    if (registry.exitCode !== null) throw new Error(`the registry ended: ${readFileSync(join(dir, "log"), "utf8")}`);
    return fetch(`http://${address}/v2/`).then(
      (answer) => answer.ok,
      () => false,
    );
  });
  return {
    address,
    digestOf: async (repository, tag) => {
      const headers = { accept: MANIFESTS.join(", ") };
      const answer = await fetch(`http://${address}/v2/${repository}/manifests/${tag}`, { method: "HEAD", headers });
      const digest = answer.headers.get("docker-content-digest");
      if (!answer.ok || digest === null) throw new Error(`${repository}:${tag}: status ${answer.status}`);
      return digest;
    },
    trustedBy: async (cluster, trusting) => {
      const file = join(dirname(trusting.dockerHost.replace("unix://", "")), "daemon.json");
      writeFileSync(file, JSON.stringify({ "insecure-registries": [address] }));
      const { engine } = await cluster.pids(trusting.name);
      if (engine === undefined) throw new Error(`the engine of ${trusting.name} does not run`);
      process.kill(engine, "SIGHUP");
      await eventually(`${trusting.name} trusts the registry`, 10_000, async () =>
        (await cluster.docker(trusting, "info", "--format", "{{json .RegistryConfig.IndexConfigs}}")).includes(address),
      );
    },
    close: async () => {
      await ended(registry);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
