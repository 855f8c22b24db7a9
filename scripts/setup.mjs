/**
 * Sets up what `npm start` and `npm test` need, and says what it does: `node scripts/setup.mjs --for node|start|test`.
 *   node   node_modules, and in it the Node.js that runs Berth
 *   start  that, and the programs of local hosts and of the load balancer
 *   test   that, and the clients and registries that the tests use
 * Plain JavaScript for Node.js 20, since it runs before anything is installed. When everything is there it does nothing, in well under
 * a second. Exit codes: 0 done, 1 failed, 2 something is missing that it cannot get, named in its last lines.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { installPackages } from "./setup/apt.mjs";
import { installAwsCli } from "./setup/aws-cli.mjs";
import { engineInReach } from "./setup/engine.mjs";
import { findProgram, missingPrograms } from "./setup/programs.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (line) => console.log(`set-up: ${line}`);

/** Ends with exit code 2 after naming what a person has to get. */
function giveUp(lines) {
  for (const line of lines) console.error(`set-up: ${line}`);
  process.exit(2);
}

/** Whether node_modules holds the versions of package-lock.json, packages for other platforms aside. */
function packagesAreThere() {
  const installedFile = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      path === "" || link || installed[path]?.version === version || (optional && installed[path] === undefined),
  );
}

function setUpNode() {
  if (!packagesAreThere()) {
    say("installing the packages of package-lock.json (npm ci)");
    const npm = process.env.npm_execpath?.endsWith(".js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
    const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
    const { status, error } = spawnSync(npm[0], [...npm.slice(1), ...args], { cwd: root, stdio: ["ignore", 2, 2] });
    if (error?.code === "ENOENT") giveUp(["npm is missing. It comes with Node.js: https://nodejs.org"]);
    if (status !== 0) {
      console.error("set-up: npm ci failed; its complaint is above");
      process.exit(1);
    }
  }
  const pinned = join(root, "node_modules", ".bin", "node");
  const major = Number(process.versions.node.split(".")[0]);
  if (!existsSync(pinned) && major < 26)
    giveUp([
      `there is no packaged Node.js 26 for ${process.platform} on ${process.arch}; this is ${process.version}.`,
      "Install Node.js 26 or newer (https://nodejs.org) and run the command with it.",
    ]);
  if (existsSync(pinned)) setUpLibraries(pinned);
}

/** The packaged Node.js needs libatomic, which a small Debian or Ubuntu does not have. */
function setUpLibraries(pinned) {
  let { status, stderr } = spawnSync(pinned, ["--version"], { encoding: "utf8" });
  if (status !== 0 && stderr?.includes("libatomic") && canInstall()) {
    say("installing libatomic1 (apt-get), which Node.js needs");
    installPackages(["libatomic1"], say);
    ({ status, stderr } = spawnSync(pinned, ["--version"], { encoding: "utf8" }));
  }
  if (status !== 0)
    giveUp([
      `Node.js does not run: ${stderr?.trim()}`,
      "Install that library with this machine's package manager (Debian and Ubuntu: apt-get install libatomic1).",
    ]);
}

/** Whether packages of Debian can be installed here. */
function canInstall() {
  return process.platform === "linux" && process.geteuid?.() === 0 && findProgram("apt-get") !== undefined;
}

/** Installs the missing programs where that is possible. Answers those that stay missing. */
function setUpPrograms(purpose) {
  const missing = missingPrograms(purpose);
  if (missing.length === 0) return [];
  if (!canInstall()) return missing;
  const packages = [...new Set(missing.map((program) => program.package))];
  say(`installing ${packages.join(", ")} (apt-get)`);
  installPackages(packages, say);
  if (missingPrograms(purpose).some(({ program }) => program === "aws")) installAwsCli(root, say);
  return missingPrograms(purpose);
}

async function main() {
  const purpose = process.argv[2] === "--for" ? process.argv[3] : undefined;
  if (!["node", "start", "test"].includes(purpose) || process.argv.length > 4) {
    console.error("usage: node scripts/setup.mjs --for node|start|test");
    process.exit(2);
  }
  setUpNode();
  if (purpose === "node") return;

  const missing = setUpPrograms(purpose);
  const canMakeHosts = process.platform === "linux" && process.geteuid?.() === 0;
  const how = missing.map(
    ({ program, package: name, why }) => `${program} is missing: ${why} (Debian package ${name})`,
  );
  if (canMakeHosts && missing.length > 0)
    giveUp([...how, "Install these with this machine's package manager and try again."]);
  if (canMakeHosts) return;
  const engine = await engineInReach();
  if (engine === undefined) {
    const reason = process.platform === "linux" ? "local hosts need root (sudo), and" : "local hosts need Linux, and";
    giveUp([`${reason} no Docker Engine answers here either. Start Docker, or set DOCKER_HOST to an engine.`]);
  }
  if (purpose === "start") {
    say(
      `no local hosts without ${process.platform === "linux" ? "root" : "Linux"}: the engine at ${engine} will be the only host`,
    );
    return;
  }
  giveUp(["the end-to-end tests need root on Linux, to make hosts. The others run without.", ...how]);
}

try {
  await main();
} catch (error) {
  console.error(`set-up: ${error.message}`);
  process.exit(1);
}
