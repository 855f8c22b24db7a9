import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { backoffMs, rotateLog, SupervisedChild } from "./child.ts";
import { systemClock } from "./clock.ts";
import { silentLog } from "./log.ts";

const clock = systemClock();

async function until(condition: () => boolean): Promise<void> {
  const deadline = clock.monotonic() + 30_000;
  while (!condition()) {
    assert.ok(clock.monotonic() < deadline, "waited 30 s in vain");
    await clock.sleep(5);
  }
}

function directory(t: { after(fn: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), "berth-child-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("the pause before a restart doubles from a quarter of a second to ten seconds", () => {
  assert.deepEqual([1, 2, 3, 6, 7, 1000].map(backoffMs), [250, 500, 1000, 8000, 10_000, 10_000]);
});

test("a child that is killed comes back as another process, and one that is stopped does not", async (t) => {
  const logFile = join(directory(t), "log");
  const child = new SupervisedChild({
    ...{ name: "sleeper", command: "sh", args: ["-c", "echo up; exec sleep 60"], env: process.env, logFile, clock },
    log: silentLog(),
  });
  child.start();
  await until(() => child.pid !== undefined);
  const first = child.pid ?? 0;
  process.kill(first, "SIGKILL");
  await until(() => child.pid !== undefined && child.pid !== first);
  assert.equal(child.restarts, 1);
  await until(() => readFileSync(logFile, "utf8") === "up\nup\n");
  await child.stop(1_000);
  assert.equal(child.pid, undefined);
  await clock.sleep(400); // longer than the first pause
  assert.equal(child.pid, undefined);
});

test("a child that ignores SIGTERM is killed after its grace", async (t) => {
  const logFile = join(directory(t), "log");
  const command = ["-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"];
  const child = new SupervisedChild({
    ...{ name: "deaf", command: "sh", args: command, env: process.env, logFile, clock, log: silentLog() },
  });
  child.start();
  await until(() => child.pid !== undefined && readFileSync(logFile, "utf8") === "deaf\n");
  await child.stop(50);
  assert.equal(child.pid, undefined);
});

test("a program that is not there and a preparation that fails are tried again, not thrown", async (t) => {
  const logFile = join(directory(t), "log");
  let attempts = 0;
  const prepare = async () => {
    attempts++;
    if (attempts === 1) throw new Error("not yet");
  };
  const child = new SupervisedChild({
    ...{ name: "ghost", command: "/no/such/program", args: [], env: {}, logFile, clock, log: silentLog(), prepare },
  });
  child.start();
  await until(() => child.restarts >= 2);
  await child.stop(0);
  assert.ok(attempts >= 2);
});

test("a log beyond its bound moves aside once, and its writer goes on from the start", (t) => {
  const file = join(directory(t), "log");
  rotateLog(file, 10); // there is none yet
  writeFileSync(file, "0123456789");
  rotateLog(file, 10);
  assert.equal(readFileSync(file, "utf8"), "0123456789");
  writeFileSync(file, "+", { flag: "a" });
  rotateLog(file, 10);
  assert.equal(readFileSync(file, "utf8"), "");
  assert.equal(readFileSync(`${file}.1`, "utf8"), "0123456789+");
});
