import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { installPackages } from "./apt.mjs";
import { OWN_PROGRAMS } from "./programs.mjs";

/** For releases without a package of the AWS CLI (Ubuntu 24.04): from PyPI, into a directory of this project's own. */
export function installAwsCli(root, say) {
  say("installing awscli (pip), since this release has no package of it");
  const venv = join(root, "node_modules", ".cache", "berth", "awscli");
  if (run("python3", ["-m", "venv", venv]) !== 0) {
    installPackages(["python3", "python3-venv"], say);
    if (run("python3", ["-m", "venv", venv]) !== 0) return;
  }
  if (run(join(venv, "bin", "pip"), ["install", "--quiet", "--disable-pip-version-check", "awscli"]) !== 0) return;
  const link = join(OWN_PROGRAMS, "aws");
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join(venv, "bin", "aws"), link);
}

function run(program, args) {
  return spawnSync(program, args, { stdio: ["ignore", 2, 2] }).status;
}
