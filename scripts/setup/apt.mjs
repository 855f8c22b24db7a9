import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const POLICY = "/usr/sbin/policy-rc.d";
/** Where a package is called otherwise, or comes with another: older Debian and Ubuntu have docker in docker.io. */
const OTHER_NAMES = { "docker-cli": "docker.io" };

/**
 * Installs Debian packages without starting the services in them: Berth starts its own engines and load balancer, and this machine's
 * are its owner's business. Packages that this release does not have are left out; the caller looks again what is missing.
 * Throws an Error when apt-get fails.
 */
export function installPackages(packages, say) {
  let known = available(packages);
  if (known.length < packages.length) {
    say("refreshing the package lists (apt-get update)");
    apt(["update", "-qq"]);
    known = available(packages);
  }
  if (known.length === 0) return;
  withoutStartingServices(() => {
    const install = ["install", "-y", "-qq", "--no-install-recommends", ...known];
    if (tryApt(install) === undefined) return;
    say("the package lists may be old: refreshing them (apt-get update)");
    apt(["update", "-qq"]);
    apt(install);
  });
}

/** Those of the packages that this machine's package lists know, by the names that they have there. */
function available(packages) {
  return packages.flatMap((name) => {
    const found = [name, OTHER_NAMES[name]].find((candidate) => candidate !== undefined && hasCandidate(candidate));
    return found === undefined ? [] : [found];
  });
}

function hasCandidate(name) {
  const { stdout } = spawnSync("apt-cache", ["policy", name], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  const candidate = /^ {2}Candidate: (.+)$/m.exec(stdout ?? "")?.[1];
  return candidate !== undefined && candidate !== "(none)";
}

/**
 * A package asks policy-rc.d before it starts its service; 101 means no. An owner's own policy stays as it is. A signal
 * ends apt-get and, by its failure, us; it must not end us before the file is gone.
 */
function withoutStartingServices(work) {
  if (existsSync(POLICY)) return work();
  const remove = () => rmSync(POLICY, { force: true });
  const outlive = () => {};
  process.once("exit", remove);
  for (const signal of SIGNALS) process.on(signal, outlive);
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return work();
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of SIGNALS) process.off(signal, outlive);
  }
}

function apt(args) {
  const failure = tryApt(args);
  if (failure !== undefined) throw new Error(`apt-get ${args.join(" ")} failed:\n${failure}`);
}

/** Answers what apt-get said if it failed; its talk of success is of no interest. */
function tryApt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = ["-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Use-Pty=0"];
  const how = { env, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8", maxBuffer: 64 * 1024 * 1024 };
  const { status, stdout, stderr, error } = spawnSync("apt-get", [...options, ...args], how);
  if (status === 0) return undefined;
  return error?.message ?? `${stdout.split("\n").slice(-20).join("\n")}${stderr}`.trim();
}
