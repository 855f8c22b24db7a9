import assert from "node:assert/strict";
import { test } from "node:test";
import { balancerFiles, containerLauncher, localLauncher } from "./launcher.ts";
import { failedBinds } from "./start-messages.ts";

const files = balancerFiles("/var/lib/berth/balancer");

test("a local HAProxy runs as master and worker, with command sockets for its owner alone", () => {
  const launcher = localLauncher("/usr/sbin/haproxy");
  assert.deepEqual(launcher.run(files), {
    file: "/usr/sbin/haproxy",
    args: [
      "-W",
      "-S",
      "unix@/var/lib/berth/balancer/master.sock,mode,600,level,admin",
      "-p",
      "/var/lib/berth/balancer/haproxy.pid",
      "-f",
      "/var/lib/berth/balancer/haproxy.cfg",
    ],
  });
  assert.deepEqual(launcher.check(files).args, ["-c", "-f", "/var/lib/berth/balancer/haproxy.cfg.next"]);
  assert.deepEqual(launcher.runtime(files), {
    endpoint: { path: "/var/lib/berth/balancer/runtime.sock" },
    bind: "unix@/var/lib/berth/balancer/runtime.sock",
  });
});

test("a container has the host's network and the balancer's directory at its own path", () => {
  const launcher = containerLauncher({ docker: "docker", image: "haproxy:2.6" });
  const { file, args } = launcher.run(files);
  assert.equal(file, "docker");
  assert.deepEqual(args.slice(0, 12), [
    "run",
    "--rm",
    "--name",
    args[3],
    "--network",
    "host",
    "--volume",
    "/var/lib/berth/balancer:/var/lib/berth/balancer",
    "--user",
    "0",
    "--entrypoint",
    "haproxy",
  ]);
  assert.deepEqual(args.slice(12), ["haproxy:2.6", ...localLauncher().run(files).args]);
  assert.match(args[3]!, /^berth-balancer-[0-9a-f]{12}$/);
  assert.deepEqual(launcher.signal?.(files, "SIGUSR1"), {
    file: "docker",
    args: ["kill", "--signal", "SIGUSR1", args[3]],
  });
  assert.deepEqual(launcher.signal?.(files, "SIGKILL").args, ["rm", "--force", args[3]]);
  assert.deepEqual(launcher.check(files).args.slice(-3), ["-c", "-f", files.nextConfig]);
});

test("where no Unix socket crosses into a container, loopback ports do", () => {
  const loopback = { runtimePort: 9101, masterPort: 9102 };
  const launcher = containerLauncher({ docker: "docker", image: "haproxy:2.6", loopback });
  assert.deepEqual(launcher.runtime(files), {
    endpoint: { host: "127.0.0.1", port: 9101 },
    bind: "ipv4@127.0.0.1:9101",
  });
  assert.ok(launcher.run(files).args.includes("ipv4@127.0.0.1:9102,level,admin"));
});

test("a directory whose sockets' paths HAProxy could not bind is refused by name", () => {
  const launcher = localLauncher();
  assert.throws(() => launcher.runtime(balancerFiles(`/${"a".repeat(90)}`)), /too long for a Unix socket/);
  assert.throws(() => launcher.runtime(balancerFiles("/a b")), /character that HAProxy cannot take/);
});

test("the frontends that could not be bound are read from what HAProxy says", () => {
  const messages = `[NOTICE]   (1) : haproxy version is 2.6.12
[ALERT]    (1) : Binding [/d/haproxy.cfg:35] for frontend ls.a: cannot bind socket (Address already in use) for [127.0.0.1:80]
[ALERT]    (1) : Binding [/d/haproxy.cfg:40] for frontend ls.b: cannot bind socket (Permission denied) for [0.0.0.0:81]
[ALERT]    (1) : [/usr/sbin/haproxy.main()] Some protocols failed to start their listeners! Exiting.
`;
  assert.deepEqual(
    [...failedBinds(messages)],
    [
      ["ls.a", "cannot bind socket (Address already in use) for [127.0.0.1:80]"],
      ["ls.b", "cannot bind socket (Permission denied) for [0.0.0.0:81]"],
    ],
  );
});
