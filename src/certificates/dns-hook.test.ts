import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../runtime/clock.ts";
import { ManualClock } from "../runtime/manual-clock.ts";
import { DnsHookError, dnsHookProgram } from "./dns-hook.ts";

const dir = mkdtempSync(join(tmpdir(), "berth-dns-hook-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const never = new AbortController().signal;

function program(name: string, script: string): string {
  const file = join(dir, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 });
  return file;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !isSo(); tries++) await sleep(10);
  assert.ok(isSo());
}

test("the program gets action, name and value as they are, without a shell between", async () => {
  const out = join(dir, "out");
  const hook = dnsHookProgram(program("good", `printf '%s\\n' "$#" "$@" > ${out}`), systemClock());
  await hook.run("present", "_acme-challenge.a.example", "v; touch /tmp/x $(id) 'q'", never);
  assert.deepEqual(readFileSync(out, "utf8").split("\n"), [
    "3",
    "present",
    "_acme-challenge.a.example",
    "v; touch /tmp/x $(id) 'q'",
    "",
  ]);
});

test("a program that fails is quoted with its last words and its exit code, one that is not there by name", async () => {
  const bad = dnsHookProgram(
    program("bad", `head -c 9000 /dev/zero | tr '\\0' x >&2; echo 'no such zone' >&2; exit 4`),
    systemClock(),
  );
  await assert.rejects(bad.run("cleanup", "n", "v", never), (error: Error) => {
    assert.ok(error instanceof DnsHookError && error.message.length < 3000);
    return /bad cleanup n ended with code 4: x+no such zone$/.test(error.message);
  });
  const absent = dnsHookProgram(join(dir, "absent"), systemClock());
  await assert.rejects(absent.run("present", "n", "v", never), /absent could not be run: spawn .* ENOENT/);
});

test("a program that hangs is ended after five minutes, and what it started with it; so is one whose server ends", async () => {
  const pids = join(dir, "pids");
  const hangs = program("hangs", `sleep 600 & echo $! > ${pids}; wait`);
  const isGone = () => !existsSync(`/proc/${readFileSync(pids, "utf8").trim()}/cmdline`) || /^Z|^X/m.test(stateOf());
  const stateOf = () => {
    const file = `/proc/${readFileSync(pids, "utf8").trim()}/stat`;
    return existsSync(file) ? (readFileSync(file, "utf8").split(") ")[1] ?? "X") : "X";
  };
  const clock = new ManualClock();
  const hanging = dnsHookProgram(hangs, clock).run("present", "n", "v", never);
  await until(() => existsSync(pids) && readFileSync(pids, "utf8").trim() !== "");
  clock.advance(300_000);
  await assert.rejects(hanging, /took more than 300 s/);
  await until(isGone);
  rmSync(pids);
  const ending = new AbortController();
  const stopped = dnsHookProgram(hangs, clock).run("present", "n", "v", ending.signal);
  await until(() => existsSync(pids) && readFileSync(pids, "utf8").trim() !== "");
  ending.abort(new Error("the control plane ends"));
  await assert.rejects(stopped, /the control plane ends/);
  await until(isGone);
});
