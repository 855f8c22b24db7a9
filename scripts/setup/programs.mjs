import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Programs that set-up itself installed, for this project only. */
export const OWN_PROGRAMS = join(root, "node_modules", ".cache", "berth", "bin");

/**
 * The AWS CLI that tests call: the package's, or where there is none set-up's own. Another `aws` on the PATH may be any
 * version, and is not taken.
 */
export const AWS_CLI = ["/usr/bin/aws", join(OWN_PROGRAMS, "aws")];

/** What each purpose needs, with the Debian package that brings it. `at` lists the only paths where it counts. */
const PROGRAMS = [
  { for: ["start", "test"], program: "dockerd", package: "docker.io", why: "the Docker Engine of each local host" },
  { for: ["start", "test"], program: "containerd", package: "containerd", why: "what the Docker Engine runs on" },
  { for: ["start", "test"], program: "runc", package: "runc", why: "what the Docker Engine runs containers with" },
  { for: ["start", "test"], program: "ip", package: "iproute2", why: "makes the hosts' network" },
  { for: ["start", "test"], program: "iptables", package: "iptables", why: "connects the hosts' network" },
  { for: ["start", "test"], program: "nsenter", package: "util-linux", why: "enters a host's namespaces" },
  { for: ["start", "test"], program: "unshare", package: "util-linux", why: "makes a host's namespaces" },
  { for: ["start", "test"], program: "flock", package: "util-linux", why: "keeps two commands apart" },
  { for: ["start", "test"], program: "umount", package: "mount", why: "removes a host" },
  {
    for: ["start", "test"],
    program: "/bin/busybox",
    package: "busybox-static",
    why: "the example service is made of it",
  },
  { for: ["start", "test"], program: "haproxy", package: "haproxy", why: "the load balancer" },
  { for: ["test"], program: "docker", package: "docker-cli", why: "tests look at hosts with it" },
  { for: ["test"], program: "aws", at: AWS_CLI, package: "awscli", why: "tests call the API with it" },
  { for: ["test"], program: "openssl", package: "openssl", why: "a test makes a certificate with it" },
  { for: ["test"], program: "pebble", package: "pebble", why: "tests get certificates from it by ACME" },
  { for: ["test"], program: "docker-registry", package: "docker-registry", why: "tests pull images from it" },
  { for: ["test"], program: "iptables-save", package: "iptables", why: "tests look for leftovers with it" },
];

/** The programs that are not on this machine, of those that the purpose needs. */
export function missingPrograms(purpose) {
  return PROGRAMS.filter((entry) => entry.for.includes(purpose) && !isThere(entry));
}

function isThere({ program, at }) {
  return at === undefined ? findProgram(program) !== undefined : at.some(isExecutable);
}

/** The program's path, also where a plain user's PATH does not look. */
export function findProgram(program) {
  if (program.startsWith("/")) return isExecutable(program) ? program : undefined;
  const path = (process.env.PATH ?? "").split(delimiter);
  const dirs = [...path, "/usr/local/sbin", "/usr/sbin", "/sbin", OWN_PROGRAMS].filter((dir) => dir !== "");
  return dirs.map((dir) => join(dir, program)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
