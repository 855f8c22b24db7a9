import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  addHost,
  buildHelloImage,
  type Host,
  hostsSettings,
  killHost,
  listHosts,
  removeHost,
} from "../src/capacity/index.ts";
import { systemClock } from "../src/runtime/clock.ts";

const dir = "/tmp/berth-e2e-hosts";
const settings = hostsSettings({ BERTH_HOSTS_DIR: dir, BERTH_SUBNET: "10.217.6.0/24", BERTH_BRIDGE: "berth-e2e" });
const clock = systemClock();
const execFileAsync = promisify(execFile);
const names = ["e2e-a", "e2e-b", "e2e-c"];
/** Stands in for the agent: says how it was started, then waits. */
const standIn = ["sh", "-c", 'hostname; echo "$ECS_INSTANCE_ATTRIBUTES"; echo "$@"; exec sleep 3600', "agent"];
const server = createServer((_, response) => response.end("control plane"));
let forwardingBefore = "";

function request(name: string, endpoint: string) {
  const common = { cluster: "default", credentialsFile: "/nowhere", region: "us-east-1", agentCommand: standIn };
  return { name, endpoint, ...common, attributes: { rack: "7" }, availabilityZone: "local-a" };
}

function endpoint(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<number> {
  const start = clock.monotonic();
  while (!(await condition())) {
    assert.ok(clock.monotonic() - start < 15_000, `waited 15 s in vain: ${what}`);
    await clock.sleep(20);
  }
  return clock.monotonic() - start;
}

function sh(command: string): string {
  return execFileSync("sh", ["-c", command], { encoding: "utf8" });
}

/** What the example answers, or undefined when it does not within half a second. */
function page(address: string, path = "/"): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: address, port: 8080, path, agent: false, timeout: 500 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response.on("end", () => resolve(body));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}

function docker(host: Host, args: string): string {
  return sh(`docker --host ${host.dockerHost} ${args}`).trim();
}

/** Everything on this machine that names our hosts, our bridge or our directory. */
function leftovers(): string[] {
  const mine = /berth-e2e|10\.217\.6\./;
  const lines = (text: string) => text.split("\n").filter((line) => mine.test(line));
  const processes = readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    return readIfThere(`/proc/${pid}/cmdline`).includes(`${dir}/`);
  });
  return [
    ...readdirSync("/run/netns").filter((name) => name.startsWith("berth-e2e")),
    ...lines(sh("ip -o link; ip route; iptables-save")),
    ...lines(readFileSync("/proc/mounts", "utf8")),
    ...sh("find /sys/fs/cgroup -path '*/berth/e2e-*'").split("\n").filter(Boolean),
    ...processes.map((pid) => `process ${pid}`),
    ...(existsSync(join(dir, "hosts")) ? readdirSync(join(dir, "hosts")) : []),
    ...(existsSync(join(dir, "network.json")) ? ["network.json"] : []),
    ...(existsSync("/run/berth/ip-forward/bridge-berth-e2e") ? ["ip-forward"] : []),
  ];
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

before(async () => {
  for (const name of names) await removeHost(name, settings); // what an earlier run that was cut off left
  rmSync(dir, { recursive: true, force: true });
  mkdirSync("/run/netns", { recursive: true });
  forwardingBefore = readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(async () => {
  for (const name of names) await removeHost(name, settings);
  rmSync(dir, { recursive: true, force: true });
  server.close();
  server.closeAllConnections();
});

test("three hosts made at once have their own addresses and engines, serve, survive their engine's death, die and go", async (t) => {
  const started = clock.monotonic();
  const hosts = await Promise.all(names.map((name) => addHost(request(name, endpoint()), settings)));
  t.diagnostic(`three hosts at once: ${Math.round(clock.monotonic() - started)} ms`);
  const [a, b] = hosts as [Host, Host, Host];

  await t.test("each has an address of its own, its name, and both processes up", async () => {
    assert.deepEqual(hosts.map(({ address }) => address).toSorted(), ["10.217.6.11", "10.217.6.12", "10.217.6.13"]);
    for (const status of await listHosts(settings)) assert.ok(status.engineUp && status.agentUp, status.name);
    assert.deepEqual(
      hosts.map((host) => docker(host, "info --format '{{.Name}}'")),
      names,
    );
    await until("the agent has spoken", () => readIfThere(join(a.logDir, "agent.log")).includes("--endpoint"));
    const [name, attributes, args] = readFileSync(join(a.logDir, "agent.log"), "utf8").split("\n");
    assert.equal(name, "e2e-a");
    assert.deepEqual(JSON.parse(attributes ?? ""), { rack: "7", "ecs.availability-zone": "local-a" });
    assert.match(
      args ?? "",
      /^--endpoint http:\/\/10\.217\.6\.1:\d+ --cluster default --docker-host unix:.* --state-dir /,
    );
  });

  await t.test("a name that is taken is refused", async () => {
    await assert.rejects(addHost(request("e2e-a", endpoint()), settings), /e2e-a exists already/);
  });

  await t.test("the example image runs on each and answers at the host's address", async () => {
    const metadata = join(dir, "metadata.json");
    const arn = "arn:aws:ecs:us-east-1:000000000000:task/default/0123456789abcdef";
    writeFileSync(metadata, JSON.stringify({ TaskARN: arn, HostName: "e2e", HostPrivateIPv4Address: "192.0.2.9" }));
    await Promise.all(hosts.map((host) => buildHelloImage(host.dockerHost, "hello:v2")));
    for (const host of hosts)
      docker(
        host,
        `run -d -p 8080:80 -v ${metadata}:/md.json -e ECS_CONTAINER_METADATA_FILE=/md.json --name web hello:v2`,
      );
    for (const { address } of hosts) {
      await until(`${address} serves`, async () => (await page(address, "/health")) === "healthy\n");
      assert.equal(await page(address), "Hello from task 0123456789abcdef on e2e (192.0.2.9), version v2\n");
    }
  });

  await t.test("a host reaches the control plane's loopback port, and no other port of loopback", async () => {
    const other = createServer((_, response) => response.end("secret"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    t.after(() => other.close());
    const fromHost = (port: number) => {
      const get = `fetch("http://10.217.6.1:${port}",{signal:AbortSignal.timeout(1000)}).then(r=>r.text()).then(console.log,()=>console.log("none"))`;
      return nodeOnHost("e2e-b", ["-e", get]);
    };
    const otherPort = (other.address() as AddressInfo).port;
    assert.equal(await fromHost((server.address() as AddressInfo).port), "control plane\n");
    assert.equal(await fromHost(otherPort), "none\n");
    // A host that sends loopback's own addresses down its cable does not get there either.
    const onHost = "ip -n berth-e2e-b route";
    sh(`${onHost} del local 127.0.0.0/8 dev lo table local && ${onHost} del local 127.0.0.1 dev lo table local`);
    sh(`${onHost} add 127.0.0.0/8 via 10.217.6.1 src ${b.address}`);
    sh("nsenter --net=/run/netns/berth-e2e-b sh -c 'echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet'");
    const knock = `const s=net.connect(${otherPort},"127.0.0.1").on("connect",()=>console.log("in"));setTimeout(()=>s.destroy(),300)`;
    assert.equal(await nodeOnHost("e2e-b", ["-e", knock]), "");
    const refused = /^\s*([1-9]\d*) .* DROP .* berth-e2e .*127\.0\.0\.0\/8/m;
    assert.match(sh("iptables -w 10 -L INPUT -v -n -x"), refused, "the knock was not stopped at the door");
  });

  await t.test(
    "containers outlive their engine, which is back within about a second, and so is the agent",
    async () => {
      const [before] = await listHosts(settings);
      const container = docker(a, "inspect --format '{{.State.Pid}}' web");
      process.kill(before?.pids.engine ?? 0, "SIGKILL");
      process.kill(before?.pids.agent ?? 0, "SIGKILL");
      assert.match((await page(a.address)) ?? "", /^Hello/);
      const back = await until("engine and agent are back", async () => {
        const [now] = await listHosts(settings);
        const other = now?.pids.engine !== before?.pids.engine && now?.pids.agent !== before?.pids.agent;
        return other && now?.engineUp === true && now.agentUp;
      });
      t.diagnostic(`engine and agent back after ${Math.round(back)} ms`);
      assert.equal(docker(a, "inspect --format '{{.State.Pid}}' web"), container);
      assert.match((await page(a.address)) ?? "", /^Hello/);
    },
  );

  await t.test(
    "containers outlive their host's supervisor, which is back with a new engine and a new agent",
    async () => {
      const [before] = await listHosts(settings);
      const container = docker(a, "inspect --format '{{.State.Pid}}' web");
      process.kill(before?.pids.supervisor ?? 0, "SIGKILL");
      await until("supervisor, engine and agent are back", async () => {
        const [now] = await listHosts(settings);
        const pairs = [now?.pids.supervisor, now?.pids.engine, now?.pids.agent];
        const old = [before?.pids.supervisor, before?.pids.engine, before?.pids.agent];
        return now?.engineUp === true && pairs.every((pid, i) => pid !== undefined && pid !== old[i]);
      });
      assert.equal(docker(a, "inspect --format '{{.State.Pid}}' web"), container);
      assert.match((await page(a.address)) ?? "", /^Hello/);
    },
  );

  await t.test("the example ends a request that is under way before it leaves", async () => {
    const socket = connect(8080, b.address);
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    socket.write("GET / HTTP/1.0\r\n");
    await clock.sleep(100); // the server has taken the connection
    const stopped = execFileAsync("docker", ["--host", b.dockerHost, "stop", "web"]);
    await clock.sleep(300);
    socket.write("\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    assert.match(answer, /Hello from task/);
    await stopped;
    assert.equal(docker(b, "inspect --format '{{.State.ExitCode}}' web"), "0");
    docker(b, "start web");
    await until("it serves again", async () => (await page(b.address, "/health")) === "healthy\n");
  });

  await t.test("the example leaves with 0 within a second of SIGTERM", async () => {
    const stopping = clock.monotonic();
    docker(a, "stop web");
    assert.ok(clock.monotonic() - stopping < 1_500, "took too long");
    assert.equal(docker(a, "inspect --format '{{.State.ExitCode}}' web"), "0");
  });

  await t.test("a host whose plug is pulled is silent with all its containers, and the others serve on", async () => {
    await killHost("e2e-b", settings);
    assert.equal(await page(b.address), undefined);
    const dead = (await listHosts(settings)).find(({ name }) => name === "e2e-b");
    assert.deepEqual([dead?.engineUp, dead?.agentUp], [false, false]);
    assert.equal(sh("find /sys/fs/cgroup -path '*/berth/e2e-b*' -name cgroup.procs -exec cat {} +"), "");
    assert.match((await page(hosts[2]!.address)) ?? "", /^Hello/);
  });

  await t.test("nothing is left when the last host has gone, and a removed name is free again", async () => {
    for (const name of names) {
      const start = clock.monotonic();
      await removeHost(name, settings);
      t.diagnostic(`${name} removed in ${Math.round(clock.monotonic() - start)} ms`);
    }
    assert.deepEqual(leftovers(), []);
    assert.equal(readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8"), forwardingBefore);
    await removeHost("e2e-a", settings); // a second time changes nothing
  });
});

/** Runs Node in a host's network namespace. */
function nodeOnHost(name: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile("nsenter", [`--net=/run/netns/berth-${name}`, process.execPath, ...args], (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    ),
  );
}

test("a host whose engine cannot start is reported with its last words and leaves nothing", async () => {
  const path = process.env.PATH;
  const broken = join("/tmp", "berth-e2e-broken");
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, "unshare"), "#!/bin/sh\necho no such luck >&2\nexit 1\n", { mode: 0o755 });
  process.env.PATH = `${broken}:${path}`;
  try {
    await assert.rejects(addHost(request("e2e-a", endpoint()), settings), /did not come up[\s\S]*no such luck/);
  } finally {
    process.env.PATH = path;
    rmSync(broken, { recursive: true });
  }
  assert.deepEqual(leftovers(), []);
});

test("a half-made host is listed and removed without a trace, even with a record that was cut off", async () => {
  await addHost(request("e2e-a", endpoint()), settings);
  await killHost("e2e-a", settings);
  mkdirSync(join(dir, "hosts", "e2e-b"), { recursive: true });
  writeFileSync(join(dir, "hosts", "e2e-a", "host.json"), '{"name": "e2');
  const list = await listHosts(settings);
  assert.deepEqual(
    list.map(({ name, address }) => ({ name, address })),
    [
      { name: "e2e-a", address: undefined },
      { name: "e2e-b", address: undefined },
    ],
  );
  await removeHost("e2e-b", settings);
  await removeHost("e2e-a", settings);
  assert.deepEqual(leftovers(), []);
});

test("a network that collides with a route of this machine is refused, and nothing is made", async () => {
  const taken = hostsSettings({ BERTH_HOSTS_DIR: dir, BERTH_SUBNET: "127.0.1.0/24", BERTH_BRIDGE: "berth-e2e" });
  await assert.rejects(addHost(request("e2e-a", endpoint()), taken), /collides with a route.*Set BERTH_SUBNET/);
  assert.deepEqual(leftovers(), []);
});

test("a name that a host of another set bears is refused, and that host's processes live on", async () => {
  const hierarchy = sh("awk '$3 ~ /^cgroup/ {print $2; exit}' /proc/mounts").trim();
  const group = join(hierarchy, "berth", "e2e-a");
  mkdirSync(group, { recursive: true });
  const stranger = spawn("sleep", ["60"]);
  const gone = new Promise((resolve) => stranger.once("exit", resolve));
  try {
    writeFileSync(join(group, "cgroup.procs"), `${stranger.pid}`);
    await assert.rejects(
      addHost(request("e2e-a", endpoint()), settings),
      /another host named e2e-a.*Choose another name/,
    );
    assert.equal(stranger.exitCode ?? stranger.signalCode, null);
  } finally {
    stranger.kill();
    await gone;
    rmdirSync(group);
  }
  assert.deepEqual(leftovers(), []);
});
