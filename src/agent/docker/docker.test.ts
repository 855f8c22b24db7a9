import assert from "node:assert/strict";
import { test } from "node:test";
import { negotiateApiVersion } from "./api-version.ts";
import { createBody } from "./create-body.ts";
import { parseDockerHost } from "./endpoint.ts";
import { pullFailure, pullQuery } from "./pull.ts";

test("a Docker host is a socket, a path or a TCP address", () => {
  assert.deepEqual(parseDockerHost("unix:///run/d.sock"), { kind: "socket", path: "/run/d.sock" });
  assert.deepEqual(parseDockerHost("/run/d.sock"), { kind: "socket", path: "/run/d.sock" });
  assert.deepEqual(parseDockerHost("tcp://10.0.0.1:99"), { kind: "tcp", host: "10.0.0.1", port: 99 });
  assert.deepEqual(parseDockerHost("http://h"), { kind: "tcp", host: "h", port: 2375 });
});
for (const bad of ["", "run/d.sock", "https://h:1", "ssh://h", "tcp://h:99999", "tcp://h/path", "unix://rel"])
  test(`Docker host "${bad}" is refused`, () => assert.throws(() => parseDockerHost(bad), /Docker host/));

test("the API version is ours unless the daemon no longer speaks it; an older daemon is refused", () => {
  assert.equal(negotiateApiVersion({ max: "1.41", min: "1.12" }), "1.41");
  assert.equal(negotiateApiVersion({ max: "1.52", min: "1.44" }), "1.44");
  assert.throws(() => negotiateApiVersion({ max: "1.40", min: "1.12" }), /at least 1.41/);
});

test("an image reference is split into name and tag, and a registry's port is not taken for a tag", () => {
  assert.deepEqual(pullQuery("h:5000/a/b"), { fromImage: "h:5000/a/b", tag: "latest" });
  assert.deepEqual(pullQuery("h:5000/a:v1"), { fromImage: "h:5000/a", tag: "v1" });
  assert.deepEqual(pullQuery("a@sha256:00"), { fromImage: "a@sha256:00" });
});

test("a pull failure that will not pass is told from one that may", () => {
  assert.equal(pullFailure("manifest for a:b not found: manifest unknown").kind, "not-found");
  assert.equal(pullFailure("pull access denied for a, repository does not exist").kind, "not-found");
  assert.equal(pullFailure("dial tcp: network is unreachable").kind, "failed");
});

test("the payload's engine configuration lies over the rest, but not over the labels the agent finds its containers by", () => {
  const body = createBody({
    name: "n",
    image: "i",
    labels: { "com.amazonaws.ecs.task-arn": "arn" },
    environment: { A: "1" },
    cpuShares: 2,
    memoryMiB: 64,
    ports: [
      { containerPort: 80, protocol: "tcp" },
      { containerPort: 53, protocol: "udp", hostPort: 53 },
    ],
    mounts: [{ source: "/a", target: "/b", readOnly: true }],
    volumesFrom: [{ container: "c", readOnly: true }],
    links: [{ container: "c", alias: "d" }],
    overlay: {
      config: { User: "7", Labels: { mine: "x", "com.amazonaws.ecs.task-arn": "forged" } },
      hostConfig: { MemoryReservation: 1, LogConfig: { Type: "none" }, Memory: 99 },
    },
  });
  assert.deepEqual(body.Labels, { mine: "x", "com.amazonaws.ecs.task-arn": "arn" });
  assert.equal(body.User, "7");
  const host = body.HostConfig as Record<string, unknown>;
  assert.equal(host.Memory, 99);
  assert.deepEqual(host.PortBindings, { "80/tcp": [{ HostPort: "" }], "53/udp": [{ HostPort: "53" }] });
  assert.deepEqual(host.Binds, ["/a:/b:ro"]);
  assert.deepEqual(host.VolumesFrom, ["c:ro"]);
  assert.deepEqual(host.Links, ["c:d"]);
});
