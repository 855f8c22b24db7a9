/** `npm start` as a new user meets it: in a clean clone, from outside, until nothing is left. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startDockerd } from "./rig/dockerd.ts";
import { eventually } from "./rig/eventually.ts";
import { get } from "./rig/load.ts";
import {
  cleanClone,
  type Footprint,
  footprint,
  freePorts,
  killAllOf,
  outcome,
  StartProcess,
} from "./rig/start-process.ts";

/** A user without rights, whom no machine has. */
const USER = 64_321;

let clone: ReturnType<typeof cleanClone>;
let scratch: string;
let mark: Footprint;
let env: NodeJS.ProcessEnv;
let api = 0;
let port = 0;
let httpsPort = 0;
let forwarding: string;

const ipForward = () => readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8");
const npmStart = (...more: string[]) =>
  new StartProcess(["npm", "start", "--", ...flags(), ...more], { cwd: clone.dir, env });
const flags = () => [
  ...["--listen", `127.0.0.1:${api}`, "--port", `${port}`, "--https-port", `${httpsPort}`],
  ...["--host-prefix", mark.hostPrefix],
];
const berth = (...args: string[]) => outcome(["bin/berth", ...args], { cwd: clone.dir, env });

async function assertNothingLeft(): Promise<void> {
  await eventually("everything is gone", 10_000, () => footprint(mark).length === 0).catch(() => {});
  assert.deepEqual(footprint(mark), []);
  assert.equal(ipForward(), forwarding);
}

before(async () => {
  clone = cleanClone();
  scratch = mkdtempSync(join(tmpdir(), "bs-"));
  mark = {
    dataDir: join(scratch, "d"),
    bridge: `bst${process.pid % 10_000}`,
    subnetBase: `10.119.${process.pid % 250}.`,
    hostPrefix: `s${process.pid % 10_000}-`,
    clone: clone.dir,
  };
  env = {
    PATH: process.env.PATH,
    HOME: scratch,
    BERTH_DATA_DIR: mark.dataDir,
    BERTH_BRIDGE: mark.bridge,
    BERTH_SUBNET: `${mark.subnetBase}0/24`,
  };
  [api = 0, port = 0, httpsPort = 0] = await freePorts(3);
  forwarding = ipForward();
});

after(async () => {
  if (footprint(mark).length > 0) {
    killAllOf(mark);
    const last = npmStart();
    await last.prints("- starting the server").catch(() => {});
    last.child.kill("SIGKILL");
    killAllOf(mark);
  }
  clone.remove();
  rmSync(scratch, { recursive: true, force: true });
});

test("npm start brings up three hosts behind a load balancer, and Ctrl-C leaves nothing", async (t) => {
  const start = npmStart();
  t.diagnostic(`up after ${Math.round(await start.up())} ms`);
  assert.match(
    start.output,
    /- starting the server[\s\S]*- making 3 local hosts[\s\S]*- deploying the example service/,
  );
  for (const address of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${api}`])
    assert.ok(start.output.includes(address));
  await t.test("the example answers one line, and 300 requests are spread evenly", answersEvenly);
  await t.test("it answers over HTTPS with a certificate that the welcome says how to trust", () =>
    answersSecurely(start.output),
  );
  await t.test("the commands find the server from another shell, in tables and in JSON", commandsFindTheServer);
  await t.test("the aws CLI works with what berth env prints", awsCliWorks);
  await t.test(
    "a host that is added by hand takes the example's tasks, and leaves the cluster when it is removed",
    hostAddedByHand,
  );
  await t.test("a second start says that one is up already, and changes nothing", secondStartIsRefused);

  start.signalGroup("SIGINT");
  await start.end(); // the shell between npm and berth dies of the same Ctrl-C, so npm has no exit code to pass on
  assert.match(start.output, /everything is removed/);
  await assertNothingLeft();
});

/** By the command that the welcome prints. */
async function answersSecurely(output: string): Promise<void> {
  const [, root = "", url = ""] = /curl --cacert (\S+) (https:\/\/localhost:\d+)/.exec(output) ?? [];
  assert.equal(url, `https://localhost:${httpsPort}`);
  const curl = await outcome(["curl", "-sS", "--cacert", root, url], { cwd: clone.dir, env });
  assert.match(curl.stdout, /^Hello from task [0-9a-f]{32} on /, curl.stderr);
}

async function answersEvenly(): Promise<void> {
  const url = `http://127.0.0.1:${port}/`;
  const host = new RegExp(
    `^Hello from task [0-9a-f]{32} on ${mark.hostPrefix}[123] \\(${mark.subnetBase}\\d+\\), version v1$`,
  );
  assert.match(await get(url), host);
  const answers = new Map<string, number>();
  for (let i = 0; i < 300; i++) {
    const body = await get(url);
    answers.set(body, (answers.get(body) ?? 0) + 1);
  }
  assert.equal(answers.size, 3);
  for (const count of answers.values()) assert.ok(count >= 95 && count <= 105, JSON.stringify([...answers]));
}

async function commandsFindTheServer(): Promise<void> {
  for (const [command, row] of [
    [["ps"], /hello:1 +RUNNING .*-[123] /],
    [["services"], /hello +ACTIVE +hello:1 +3 +3 +0 +COMPLETED/],
    [["hosts"], /-1 .* ACTIVE +connected +1 /],
    [["host", "ls"], /-1 +10\.\S+ +up +up +- +unix:/],
    [["events", "hello"], /has reached a steady state/],
    [["env"], /AWS_ACCESS_KEY_ID/],
  ] as const) {
    const table = await berth(...command);
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, row);
    assert.ok(!table.stdout.includes("\u001b"), "no colours where no terminal is");
    const json = await berth(...command, "--output", "json");
    assert.ok(JSON.parse(json.stdout), command.join(" "));
  }
  const other = { ...env, AWS_ACCESS_KEY_ID: "AKIAOTHER", AWS_SECRET_ACCESS_KEY: "x", AWS_REGION: "eu-west-1" };
  const withAws = await outcome(["bin/berth", "ps"], { cwd: clone.dir, env: other });
  assert.equal(withAws.code, 0, `variables for AWS itself are not meant for it: ${withAws.stderr}`);
}

async function awsCliWorks(): Promise<void> {
  const script =
    'eval "$(bin/berth env)" && aws ecs list-services --output text && aws elbv2 describe-target-groups --output text';
  const { code, stdout, stderr } = await outcome(["sh", "-c", script], { cwd: clone.dir, env });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /service\/default\/hello/);
  assert.match(stdout, /targetgroup\/hello\//);
}

async function hostAddedByHand(): Promise<void> {
  const name = `${mark.hostPrefix}extra`;
  const added = await berth("host", "add", name);
  assert.match(added.stdout, /has joined cluster default/, added.stderr);
  assert.equal((await berth("scale", "hello", "4")).code, 0);
  const isPlaced = async () => new RegExp(`RUNNING .*${name}`).test((await berth("ps")).stdout);
  await eventually("a task runs on it", 20_000, isPlaced);
  assert.equal((await berth("host", "rm", name)).code, 0);
  assert.ok(!(await berth("hosts")).stdout.includes(name));
  assert.match((await berth("host", "rm", name)).stderr, /no local host named .*berth host ls/);
}

async function secondStartIsRefused(): Promise<void> {
  const second = npmStart();
  assert.equal(await second.end(), 1);
  assert.match(second.output, /runs here already \(process \d+\).*stop it first: Ctrl-C/);
  assert.match(await get(`http://127.0.0.1:${port}/`), /^Hello/);
}

test("what SIGKILL leaves is cleared by the next start, which is up within seconds", async (t) => {
  const first = npmStart();
  await first.up();
  const { pid } = JSON.parse(readFileSync(join(mark.dataDir, "start", "start.json"), "utf8")) as { pid: number };
  process.kill(pid, "SIGKILL");
  await first.end();

  const second = npmStart();
  t.diagnostic(`up after ${Math.round(await second.up())} ms, the leavings of a killed start included`);
  assert.match(await get(`http://127.0.0.1:${port}/`), /^Hello/);
  killAllOf(mark);
  second.signalGroup("SIGKILL");
  await second.end();

  const third = npmStart();
  t.diagnostic(`up after ${Math.round(await third.up())} ms, the leavings of a killed machine included`);
  assert.match(await get(`http://127.0.0.1:${port}/`), /^Hello/);
  third.child.kill("SIGTERM"); // to npm alone
  await third.end();
  await assertNothingLeft();
});

test("the death of the npm that runs it ends a start in order", async () => {
  const start = npmStart();
  await start.up();
  start.child.kill("SIGKILL");
  await assertNothingLeftWithin(20_000);
});

test("so it does where an older Node.js stands in between, as in the first start of all", async () => {
  // Behind a system's Node.js and npm's shell, without node_modules/.bin on the PATH.
  const path = (process.env.PATH ?? "").split(delimiter).filter((dir) => !dir.includes("node_modules"));
  const command = `node bin/berth start ${flags().join(" ")}; true`;
  const around = [
    "-e",
    'require("node:child_process").spawn("sh", ["-c", process.argv[1]], { stdio: "inherit" })',
    command,
  ];
  const start = new StartProcess(["node", ...around], {
    cwd: clone.dir,
    env: { ...env, PATH: path.join(delimiter), npm_lifecycle_event: "start" },
  });
  await start.up();
  start.child.kill("SIGTERM"); // which does not pass it on
  await assertNothingLeftWithin(20_000);
});

async function assertNothingLeftWithin(limitMs: number): Promise<void> {
  await eventually("everything is gone", limitMs, () => footprint(mark).length === 0).catch(() => {});
  await assertNothingLeft();
}

test("Ctrl-C while it is starting leaves nothing, whatever it was doing", async (t) => {
  for (const [moment, afterMs] of [
    ["- clearing", 0],
    ["- starting the server", 50],
    ["- making 3 local hosts", 0],
    ["- making 3 local hosts", 400],
    ["- deploying the example", 0],
  ] as const) {
    const start = new StartProcess(["bin/berth", "start", ...flags()], { cwd: clone.dir, env });
    await start.prints(moment);
    await sleep(afterMs);
    const pressed = performance.now();
    start.signalGroup("SIGINT");
    assert.equal(await start.end(), 0, `${moment}: ${start.output}`);
    t.diagnostic(`${moment} +${afterMs} ms: gone after ${Math.round(performance.now() - pressed)} ms`);
    assert.ok(!start.output.includes("Berth is up"));
    await assertNothingLeft();
  }
});

test("a port that is taken is named, with the option that chooses another, and nothing is left", async (t) => {
  for (const [taken, option] of [
    [() => api, "--listen"],
    [() => port, "--port"],
    [() => httpsPort, "--https-port"],
  ] as const) {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(taken(), "127.0.0.1", resolve));
    t.after(() => other.close());
    const start = npmStart();
    assert.equal(await start.end(), 1);
    assert.match(
      start.output,
      new RegExp(`127\\.0\\.0\\.1:${taken()}, for .*, is in use already\\..*choose another with ${option}`),
    );
    await new Promise((resolve) => other.close(resolve));
    await assertNothingLeft();
  }
});

test("without root the engine in reach is the only host, and Ctrl-C leaves it as it was", async (t) => {
  const dockerd = await startDockerd("start", "10.219.77.1/24");
  t.after(() => dockerd.remove());
  const home = join(scratch, "home");
  mkdirSync(home);
  const mine = { ...mark, dataDir: join(home, ".berth") };
  t.after(() => killAllOf(mine));
  for (const path of [scratch, home]) chownSync(path, USER, USER);
  chownSync(dockerd.host.replace("unix://", ""), USER, USER);
  chownSync(dockerd.dir, USER, USER);
  const user = { PATH: env.PATH, HOME: home, DOCKER_HOST: dockerd.host };
  const asUser = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--"];
  // The engine's ports are in its network namespace, so everything is run there.
  const inside = ["nsenter", `--net=/var/run/netns/${dockerd.namespace}`, "--", ...asUser];
  const run = (...command: string[]) => outcome([...inside, ...command], { cwd: clone.dir, env: user });

  const start = new StartProcess([...inside, "npm", "start"], { cwd: clone.dir, env: user });
  t.diagnostic(`up after ${Math.round(await start.up())} ms`);
  assert.match(start.output, new RegExp(`- joining the Docker Engine at ${dockerd.host}`));
  assert.match(
    (await run("curl", "-s", "http://127.0.0.1:8080")).stdout,
    /^Hello from task [0-9a-f]{32} on .*, version v1\n$/,
  );
  assert.equal((await run("bin/berth", "ps")).stdout.match(/hello:1 +RUNNING .*this-machine/g)?.length, 3);
  assert.equal((await run("bin/berth", "run", "hello:2")).code, 0, "a task that a person starts goes too");
  const pressed = performance.now();
  start.signalGroup("SIGINT");
  await start.end();
  t.diagnostic(`gone after ${Math.round(performance.now() - pressed)} ms`);
  assert.match(start.output, /everything is removed/);
  assert.equal(dockerd.docker("ps", "-aq"), "");
  assert.equal(dockerd.docker("images", "-q"), "");
  assert.deepEqual(footprint(mine), []);

  const killed = new StartProcess([...inside, "npm", "start"], { cwd: clone.dir, env: user });
  await killed.up();
  killAllOf(mine);
  killed.signalGroup("SIGKILL");
  const next = new StartProcess([...inside, "npm", "start"], { cwd: clone.dir, env: user });
  await next.up();
  next.signalGroup("SIGINT");
  await next.end();
  assert.match(next.output, /everything is removed/);
  assert.equal(dockerd.docker("ps", "-aq"), "");
  assert.deepEqual(footprint(mine), []);
});

test("where nothing can be run, exit code 2 and what is missing are all that comes of it", async () => {
  const asUser = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--"];
  const user = { PATH: env.PATH, HOME: scratch, DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const { code, stderr } = await outcome([...asUser, "npm", "start"], { cwd: clone.dir, env: user });
  assert.equal(code, 2);
  assert.match(stderr, /root \(sudo\)[\s\S]*Docker[\s\S]*DOCKER_HOST/);
});
