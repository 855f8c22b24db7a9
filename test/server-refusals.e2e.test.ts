import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Cluster, startCluster } from "./rig/cluster.ts";

let cluster: Cluster;
let dir: string;

before(async () => {
  cluster = await startCluster({ hosts: 0 });
  dir = mkdtempSync(join(tmpdir(), "refused-"));
});
after(async () => {
  await cluster?.close();
  rmSync(dir, { recursive: true, force: true });
});

test("a server that cannot serve ends, says why and what to do, and leaves nothing running", async () => {
  const { host } = new URL(cluster.endpoint);
  const free = ["--listen", "127.0.0.1:0"];
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [["--data-dir", dir, "--listen", host], 1, /is in use already: stop what listens there, or choose another address/],
    [
      ["--data-dir", cluster.dataDir, ...free],
      1,
      /is in use by process \d+\. Stop that process, or use another directory/,
    ],
    [
      ["--data-dir", dir, ...free, "--tls", "/none.pem"],
      1,
      /--tls \/none\.pem cannot be used: .*It must hold a certificate chain/,
    ],
    [["--data-dir", dir, "--listen", "nowhere"], 2, /--listen is 'nowhere': it must be HOST:PORT/],
    [["--data-dir", dir, ...free, "--region", "Moon"], 2, /--region is 'Moon': it must be like us-east-1/],
    [["--no-such-flag"], 2, /unknown option '--no-such-flag'/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await serverThatEnds(args);
    assert.deepEqual([ended.code, ended.stdout], [code, ""], `${args.join(" ")}: ${ended.stderr}`);
    assert.match(ended.stderr, message);
  }
  assert.deepEqual(commandLinesWith(dir), []);
});

function serverThatEnds(args: readonly string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["src/cli/main.ts", "server", ...args], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? "killed"), stdout, stderr }),
    );
  });
}

function commandLinesWith(word: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // it has ended meanwhile
      }
    })
    .filter((line) => line.includes(word));
}
