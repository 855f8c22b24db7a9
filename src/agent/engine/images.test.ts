import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { RuntimeError } from "../container-runtime.ts";
import { fakeDaemon } from "../testing/fake-runtime.ts";
import { imageKeeper, registryOf } from "./images.ts";
import type { PullBehaviour } from "./settings.ts";

const FAILS = new RuntimeError("failed", "network is unreachable");

type Case = {
  behaviour: PullBehaviour;
  here: "no" | "built" | "pulled";
  before?: boolean;
  fails?: boolean;
  pulls: number;
  ready: boolean;
};

const cases: readonly Case[] = [
  { behaviour: "default", here: "no", pulls: 1, ready: true },
  { behaviour: "default", here: "no", fails: true, pulls: 5, ready: false },
  { behaviour: "default", here: "built", pulls: 0, ready: true },
  { behaviour: "default", here: "pulled", pulls: 1, ready: true },
  { behaviour: "default", here: "pulled", fails: true, pulls: 1, ready: true },
  { behaviour: "always", here: "built", pulls: 1, ready: true },
  { behaviour: "always", here: "pulled", fails: true, pulls: 5, ready: false },
  { behaviour: "once", here: "pulled", pulls: 1, ready: true },
  { behaviour: "once", here: "pulled", before: true, pulls: 0, ready: true },
  { behaviour: "once", here: "pulled", fails: true, pulls: 5, ready: false },
  { behaviour: "prefer-cached", here: "pulled", pulls: 0, ready: true },
  { behaviour: "prefer-cached", here: "no", pulls: 1, ready: true },
];

for (const it of cases)
  test(`behaviour ${it.behaviour}: image ${it.here === "no" ? "absent" : it.here}${it.before ? ", pulled before" : ""}${it.fails ? ", registry fails" : ""}: ${it.pulls} pulls, ${it.ready ? "ready" : "refused"}`, async () => {
    const clock = new ManualClock();
    const daemon = fakeDaemon(clock);
    if (it.here !== "no") daemon.images.set("r.test/app:1", { repoDigests: it.here === "pulled" ? ["sha256:d"] : [] });
    if (it.fails) daemon.pullFailures.set("r.test/app:1", FAILS);
    const pulled = new Set(it.before ? ["r.test/app:1"] : []);
    const images = imageKeeper({ runtime: daemon.connect(), clock, log: silentLog(), behaviour: it.behaviour, pulled });
    let outcome = "";
    images.ensure("r.test/app:1").then(
      () => (outcome = "ready"),
      (error) => (outcome = String(error.message)),
    );
    for (let turn = 0; turn < 200 && !outcome; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (turn % 10 === 9) clock.advance(6_000);
    }
    assert.equal(outcome, it.ready ? "ready" : "CannotPullContainerError: network is unreachable");
    assert.equal(daemon.calls.filter((call) => call.startsWith("pull")).length, it.pulls);
  });

test("a registry that is mute holds up a present image for 3 seconds once, and not at all for the next minute", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  daemon.images.set("r.test/app:1", { repoDigests: ["sha256:d"] });
  let asked = 0;
  const runtime = {
    ...daemon.connect(),
    pull: (_: string, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((_resolve, reject) => {
        asked++;
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  };
  const images = imageKeeper({ runtime, clock, log: silentLog(), behaviour: "default", pulled: new Set() });
  const asks = async (times: number) => {
    for (let turn = 0; turn < 5_000 && asked < times; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(asked, times);
  };
  const first = images.ensure("r.test/app:1");
  const shared = images.ensure("r.test/app:1");
  await asks(1);
  clock.advance(3_000);
  await Promise.all([first, shared]);
  await images.ensure("r.test/app:1");
  assert.equal(asked, 1);
  clock.advance(60_000);
  void images.ensure("r.test/app:1");
  await asks(2);
});

test("a reference's registry is its first part if that looks like a host", () => {
  assert.deepEqual(["nginx", "a/b", "r.test/a", "localhost/a", "h:5000/a/b"].map(registryOf), [
    "docker.io",
    "docker.io",
    "r.test",
    "localhost",
    "h:5000",
  ]);
});
