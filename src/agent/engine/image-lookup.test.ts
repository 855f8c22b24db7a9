import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { RuntimeError } from "../container-runtime.ts";
import { ARN, bench, quiet, start } from "../testing/engine-bench.ts";
import { fakeDaemon } from "../testing/fake-runtime.ts";
import { imageKeeper } from "./images.ts";
import { nextReport } from "./report.ts";

const D = `sha256:${"0a".repeat(32)}`;
const TELLS = { tellImages: true };

/** A daemon whose registry has r.test/app:1, and whose pulls never end. */
function slowPulls() {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  daemon.registry.set("r.test/app:1", D);
  const asked: string[] = [];
  const runtime = {
    ...daemon.connect(),
    pull: (reference: string) => {
      asked.push(reference);
      return new Promise<void>(() => undefined);
    },
  };
  return { clock, daemon, runtime, asked };
}

test("[DP38] a task that is asked to tells its image's digest before it is fetched, and fetches it by that", async () => {
  const { clock, daemon, runtime, asked } = slowPulls();
  const { engine } = bench({ clock, daemon, runtime });
  await engine.accept([start([{ name: "main", image: "r.test/app:1" }], TELLS)]);
  await quiet();
  const report = nextReport(engine.task(ARN)!);
  assert.deepEqual(
    [report?.status, report?.containers.map((c) => [c.containerName, c.status, c.imageDigest, c.runtimeId])],
    ["PENDING", [["main", "PENDING", D, undefined]]],
  );
  assert.deepEqual(asked, [`r.test/app@${D}`]);
});

test("[DP38] a task that is not asked to tells nothing before it runs, and fetches its image by the tag", async () => {
  const { clock, daemon, runtime, asked } = slowPulls();
  const { engine } = bench({ clock, daemon, runtime });
  await engine.accept([start([{ name: "main", image: "r.test/app:1" }])]);
  await quiet();
  assert.equal(nextReport(engine.task(ARN)!), undefined);
  assert.deepEqual(asked, ["r.test/app:1"]);
});

test("[DP38] the container is made of the image that was told, and is RUNNING with its digest", async () => {
  const { engine, daemon } = bench();
  daemon.registry.set("r.test/app:1", D);
  await engine.accept([start([{ name: "main", image: "r.test/app:1" }], TELLS)]);
  await quiet();
  assert.equal(daemon.named("main").spec.image, `r.test/app@${D}`);
  const report = nextReport(engine.task(ARN)!);
  assert.deepEqual([report?.status, report?.containers[0]?.imageDigest], ["RUNNING", D]);
});

test("[DP38] a registry that does not tell holds nothing up: the image is fetched by its tag, and told with RUNNING", async () => {
  const { engine, daemon } = bench();
  await engine.accept([start([{ name: "main", image: "r.test/app:1" }, { name: "built" }], TELLS)]);
  await quiet();
  assert.deepEqual(
    [...daemon.calls].filter((call) => call.startsWith("pull")),
    ["pull r.test/app:1"],
  );
  const report = nextReport(engine.task(ARN)!);
  assert.deepEqual(
    [report?.status, report?.containers.map((c) => c.imageDigest)],
    ["RUNNING", ["sha256:pulled", undefined]],
  );
});

test("[DP38] an image that is used as it is here is told by the digest that it has here, if any", async () => {
  const rows = [
    { here: [D], behaviour: "prefer-cached", digest: D },
    { here: [], behaviour: "default", digest: undefined },
    { here: [D], behaviour: "default", digest: `${D.slice(0, -1)}f` },
  ] as const;
  for (const { here, behaviour, digest } of rows) {
    const clock = new ManualClock();
    const daemon = fakeDaemon(clock);
    daemon.images.set("r.test/app:1", { repoDigests: [...here] });
    daemon.registry.set("r.test/app:1", `${D.slice(0, -1)}f`);
    const runtime = daemon.connect();
    const images = imageKeeper({ runtime, clock, log: silentLog(), behaviour, pulled: new Set() });
    assert.equal(await images.digestOf("r.test/app:1"), digest);
    assert.equal(await images.digestOf(`r.test/app@${D}`), D);
  }
});

test("[DP38] a daemon that is away while images are looked up is asked again", async () => {
  const clock = new ManualClock();
  const daemon = fakeDaemon(clock);
  daemon.registry.set("r.test/app:1", D);
  let fails = true;
  const connected = daemon.connect();
  const runtime = {
    ...connected,
    registryDigest: async (reference: string, timeoutMs: number) => {
      if (fails) throw new RuntimeError("unreachable", "the daemon is down");
      return connected.registryDigest(reference, timeoutMs);
    },
  };
  const { engine } = bench({ clock, daemon, runtime });
  await engine.accept([start([{ name: "main", image: "r.test/app:1" }], TELLS)]);
  await quiet();
  assert.equal(engine.task(ARN)?.imagesLookedUp, undefined);
  fails = false;
  for (let i = 0; i < 20 && engine.task(ARN)?.imagesLookedUp !== true; i++) {
    clock.advance(1_000);
    await quiet();
  }
  assert.equal(engine.task(ARN)?.containers[0]?.imageDigest, D);
});
