import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHierarchies } from "./cgroup.ts";
import { HostError } from "./host-error.ts";
import { checkHostName } from "./host-record.ts";
import { endpointSeenFromHost } from "./hosts.ts";
import { hostEnvironment } from "./launch.ts";
import { mountsBelow } from "./mounts.ts";
import { hostsSettings } from "./settings.ts";

test("a control plane on loopback is reached at the gateway, any other at its own address", () => {
  const seen = (endpoint: string) => endpointSeenFromHost(endpoint, "10.213.0.1");
  assert.deepEqual(seen("http://127.0.0.1:7070"), { endpoint: "http://10.213.0.1:7070", forwardedPort: 7070 });
  assert.deepEqual(seen("https://localhost"), { endpoint: "https://10.213.0.1:443", forwardedPort: 443 });
  assert.deepEqual(seen("http://192.0.2.7:7070"), { endpoint: "http://192.0.2.7:7070" });
  assert.throws(() => seen("http://[::1]:7070"), /127\.0\.0\.1 instead of ::1/);
  assert.throws(() => seen("127.0.0.1:7070"), HostError);
});

test("a name that is no host name, or too long for the engine's sockets, is refused with what to do", () => {
  const settings = hostsSettings({});
  for (const name of ["a", "host-1", "0", "x".repeat(31)]) checkHostName(settings, name);
  for (const name of ["", "-a", "Host", "a_b", "../x", "a/b", "x".repeat(32)])
    assert.throws(() => checkHostName(settings, name), /cannot be a host's name/, name);
  const deep = hostsSettings({ BERTH_HOSTS_DIR: `/${"d".repeat(60)}` });
  assert.throws(() => checkHostName(deep, "a"), /Set BERTH_HOSTS_DIR to a shorter path/);
});

test("a setting that cannot be used is refused by its name", () => {
  assert.throws(() => hostsSettings({ BERTH_SUBNET: "10.213.0.0/30" }), /BERTH_SUBNET/);
  assert.throws(() => hostsSettings({ BERTH_SUBNET: "10.213.0.5/24" }), /BERTH_SUBNET/);
  assert.throws(() => hostsSettings({ BERTH_BRIDGE: "much-too-long-a-name" }), /BERTH_BRIDGE/);
});

test("a host's processes get neither our credentials nor our engine nor Node's options, but do get proxies", () => {
  const env = hostEnvironment({
    ...{ AWS_SECRET_ACCESS_KEY: "secret", DOCKER_HOST: "unix:///x", NODE_OPTIONS: "--inspect", ECS_CLUSTER: "c" },
    ...{ HTTPS_PROXY: "http://proxy", NODE_EXTRA_CA_CERTS: "/ca.pem", PATH: "/bin" },
  });
  assert.deepEqual(env, {
    HTTPS_PROXY: "http://proxy",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
    PATH: "/bin:/usr/local/sbin:/usr/sbin:/sbin",
  });
});

test("control group hierarchies are found on a v1, a hybrid and a v2 machine", () => {
  const v1 = "34 33 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct";
  const named = "35 33 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";
  const v2 = "36 33 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
  assert.deepEqual(parseHierarchies([v1, named, "22 1 8:1 / / rw - ext4 /dev/sda rw", v2, ""].join("\n")), [
    { root: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: ["cpu", "cpuacct"] },
    { root: "/sys/fs/cgroup/systemd", version: 1, controllers: ["name=systemd"] },
    { root: "/sys/fs/cgroup/unified", version: 2, controllers: [] },
  ]);
});

test("mounts are found below a directory only, deepest first, with odd names read right", () => {
  const at = (point: string) => `40 1 0:50 / ${point} rw - overlay overlay rw`;
  const mountinfo = [at("/h/a"), at("/h/a/merged\\040x"), at("/h/ab"), at("/other/h/a")].join("\n");
  assert.deepEqual(mountsBelow(mountinfo, "/h/a"), ["/h/a/merged x", "/h/a"]);
});
