/** The parts of a start that decide something, each on its own. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../runtime/clock.ts";
import { UsageError } from "../usage.ts";
import { claimDataDir, isStart } from "./claim.ts";
import { addressOf, belongsTo } from "./engine.ts";
import { engineAgentEnvironment } from "./hosts.ts";
import { checkFree, parseListen } from "./ports.ts";
import { endProcessesOf, pidsIn, writePidFile } from "./processes.ts";
import { checkMachine } from "./requirements.ts";
import { ancestorsUpToNpm, pressCounter } from "./stop-request.ts";
import { welcome } from "./welcome.ts";

const clock = systemClock();
const quiet = () => {};

test("the copies of one Ctrl-C that npm and the terminal send count as one, and a later one as impatience", () => {
  const press = pressCounter();
  assert.deepEqual([0, 5, 200, 3_000, 3_004, 9_000].map(press), [1, 0, 0, 2, 0, 3]);
});

test("npm is found behind its shell and the launcher, and a change of any of them is seen", () => {
  const lines: Record<number, string> = {
    40: "node bin/berth start --port 1",
    30: "sh -c sh scripts/with-node.sh bin/berth start --port 1",
    20: "npm start",
    10: "-bash",
  };
  const upFrom = (parent: number, parents: Record<number, number>) =>
    ancestorsUpToNpm(
      parent,
      (pid) => lines[pid] ?? "",
      (pid) => parents[pid],
    );
  assert.deepEqual(upFrom(40, { 40: 30, 30: 20, 20: 10 }), [40, 30, 20]);
  assert.deepEqual(upFrom(40, { 40: 1 }), [40, 1], "the shell has died");
  assert.deepEqual(upFrom(20, { 20: 10 }), [20], "whose shell became the command");
});

test("--listen is HOST:PORT, and says so when it is not", () => {
  assert.deepEqual(parseListen("127.0.0.1:7070"), { host: "127.0.0.1", port: 7070 });
  assert.deepEqual(parseListen("[::1]:80"), { host: "::1", port: 80 });
  for (const wrong of ["7070", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:80", ":80", "a:b"])
    assert.throws(() => parseListen(wrong), UsageError, wrong);
});

test("a port that is taken is named with the option that chooses another; a free one is let be", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = { host: "127.0.0.1", port: (server.address() as { port: number }).port };
  await assert.rejects(checkFree(address, "the API", "--listen"), /for the API, is in use already\..*with --listen/);
  await new Promise((resolve) => server.close(resolve));
  await checkFree(address, "the API", "--listen");
});

const HOSTS = { mode: "hosts", missing: [], haproxy: "path" } as const;
const LACKING: readonly (readonly [string, Parameters<typeof checkMachine>, readonly RegExp[]])[] = [
  [
    "neither hosts nor engine",
    [{ mode: "none", missing: ["local hosts need root; run it with sudo"], haproxy: "none" }, {}],
    [/need root/, /no Docker Engine answers.*DOCKER_HOST/, /haproxy.*apt-get install haproxy/],
  ],
  [
    "an engine that does not answer",
    [{ mode: "none", missing: [], haproxy: "path" }, { DOCKER_HOST: "tcp://x:1" }],
    [/DOCKER_HOST \(tcp:\/\/x:1\)/],
  ],
  [
    "a container without docker",
    [{ ...HOSTS, haproxy: "container" }, { PATH: "/a:/b" }, () => false],
    [/docker command/],
  ],
];

for (const [what, args, messages] of LACKING) {
  test(`what a machine lacks is named, all of it: ${what}`, () => {
    assert.throws(
      () => checkMachine(...args),
      (error) => error instanceof UsageError && messages.every((message) => message.test(error.message)),
    );
  });
}

test("a machine that lacks nothing is taken", () => {
  assert.equal(checkMachine(HOSTS, {}), HOSTS);
  const inContainer = { ...HOSTS, haproxy: "container" } as const;
  assert.equal(
    checkMachine(inContainer, { PATH: "/a:/b" }, (file) => file === "/b/docker"),
    inContainer,
  );
});

test("a container is a start's own if something below its directory is mounted in it", () => {
  const container = (...sources: string[]) => ({ Id: "x", Mounts: sources.map((Source) => ({ Source })) });
  assert.ok(belongsTo("/home/a/.berth/start", container("/x", "/home/a/.berth/start/agent/metadata/1")));
  assert.ok(belongsTo("/home/a/.berth/start", container("/host_mnt/home/a/.berth/start/haproxy/x")), "Docker Desktop");
  assert.ok(!belongsTo("/home/a/.berth/start", container("/home/a/.berth/start-2/agent", "/home/a")));
  assert.ok(!belongsTo("/home/a/.berth/start", { Id: "x" }));
});

test("an engine's address is a socket or a host and a port", () => {
  assert.deepEqual(addressOf("unix:///run/d.sock"), { socketPath: "/run/d.sock" });
  assert.deepEqual(addressOf("tcp://[::1]:2375"), { host: "::1", port: 2375 });
  assert.throws(() => addressOf("ssh://x"), /"ssh:\/\/x" is not/);
});

test("the agent of the engine in reach signs with the start's key, whatever is set for AWS or another agent", () => {
  const connection = {
    endpoint: "http://127.0.0.1:7070",
    region: "us-east-1",
    key: { accessKeyId: "A", secretAccessKey: "b" },
    credentialsFile: "/d/credentials",
  };
  const given = { PATH: "/bin", AWS_ACCESS_KEY_ID: "AKIA", AWS_PROFILE: "x", ECS_CLUSTER: "other", DOCKER_HOST: "d" };
  const env = engineAgentEnvironment(connection, given);
  assert.equal(env.AWS_SHARED_CREDENTIALS_FILE, "/d/credentials");
  assert.deepEqual([env.AWS_ACCESS_KEY_ID, env.AWS_PROFILE, env.ECS_CLUSTER], [undefined, undefined, undefined]);
  assert.equal(env.PATH, "/bin");
});

test("a process that has got an old one's id, and is another, is not ended", async () => {
  const dir = mkdtempSync(join(tmpdir(), "berth-pids-"));
  writePidFile(join(dir, "x.pid"), process.pid);
  assert.deepEqual(pidsIn(join(dir, "x.pid")), [process.pid]);
  await endProcessesOf(join(dir, "x.pid"), `${dir}/not-ours`, "SIGKILL", clock);
  writeFileSync(join(dir, "x.pid"), "0\n1\n\nx\n");
  assert.deepEqual(pidsIn(join(dir, "x.pid")), [], "neither a group nor init");
  rmSync(dir, { recursive: true });
});

test("a start is known by its command line", () => {
  for (const line of ["node bin/berth start --port 1", "/n/node /x/src/cli/main.ts start", "node /x/bin/berth start"])
    assert.ok(isStart(line), line);
  for (const line of ["", "node /x/bin/berth server", "node /x/bin/berth starter", "vi start"])
    assert.ok(!isStart(line), line);
});

test("the hold on a directory takes over from a dead start, and goes with all that was made for it", async () => {
  const top = mkdtempSync(join(tmpdir(), "berth-claim-"));
  const dataDir = join(top, "made", "start");
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(
    join(dataDir, "start.json"),
    JSON.stringify({ pid: 2 ** 22 + 1, stopping: false, made: join(top, "made") }),
  );
  const claim = await claimDataDir(dataDir, clock, quiet);
  claim.stopping();
  claim.release();
  assert.ok(!existsSync(join(top, "made")) && existsSync(top));
  rmSync(top, { recursive: true });
});

test("what somebody keeps beside a start's files is not removed with them", async () => {
  const top = mkdtempSync(join(tmpdir(), "berth-claim-"));
  const claim = await claimDataDir(join(top, "made", "start"), clock, quiet);
  writeFileSync(join(top, "made", "kept"), "");
  claim.release();
  assert.ok(existsSync(join(top, "made", "kept")) && !existsSync(join(top, "made", "start")));
  rmSync(top, { recursive: true });
});

test("the welcome names the addresses, and the data directory where another shell needs it", () => {
  const connection = {
    endpoint: "http://127.0.0.1:7171",
    region: "us-east-1",
    key: { accessKeyId: "", secretAccessKey: "" },
  };
  const secure = { httpsPort: 8444, rootFile: "/d/local-ca.pem" };
  const text = welcome({ ...secure, connection, port: 8181, seconds: 3.14, dataDir: undefined });
  for (const part of ["after 3.1 s", "curl http://127.0.0.1:8181", "http://127.0.0.1:7171", "berth env", "Ctrl-C"])
    assert.ok(text.includes(part), part);
  assert.ok(!text.includes("BERTH_DATA_DIR"));
  assert.match(text, /curl --cacert \/d\/local-ca\.pem https:\/\/localhost:8444/);
  assert.ok(
    !welcome({ ...secure, httpsPort: undefined, connection, port: 1, seconds: 1, dataDir: "/d" }).includes("HTTPS"),
  );
  assert.match(welcome({ ...secure, connection, port: 1, seconds: 1, dataDir: "/d" }), /export BERTH_DATA_DIR='\/d'/);
});
