import assert from "node:assert/strict";
import { test } from "node:test";
import { containerInstanceArn } from "../../wire/arn.ts";
import { SilenceMeter } from "./silence.ts";

const ARN = containerInstanceArn(
  { region: "us-east-1", accountId: "000000000000" },
  { clusterName: "default", containerInstanceId: "a" },
);

/** Looks at these times; `heard` answers when the agent was last heard by then. */
function silences(times: readonly number[], heard: (now: number) => number | undefined): number[] {
  const meter = new SilenceMeter(1000);
  return times.map((now) => meter.look([ARN], () => heard(now), now).get(ARN)?.silentMs ?? -1);
}

const every = (ms: number, from: number, to: number) =>
  Array.from({ length: (to - from) / ms + 1 }, (_, i) => from + i * ms);

test("[HL1] silence is the time since the agent was heard", () => {
  const lastPong = (now: number) => (now < 2000 ? 0 : 2000);
  assert.deepEqual(silences(every(500, 0, 4000), lastPong), [0, 500, 1000, 1500, 0, 500, 1000, 1500, 2000]);
});

test("[HL4] an agent that was never heard is silent since the first look", () => {
  assert.deepEqual(
    silences([5000, 5500, 6000], () => undefined),
    [0, 500, 1000],
  );
});

test("[HL4] a pause of our own counts as one short step, whether a pong came before it or not", () => {
  assert.deepEqual(
    silences([0, 500, 60_500, 61_000], () => 0),
    [0, 500, 1500, 2000],
  );
  assert.deepEqual(
    silences([0, 500, 60_500, 61_000], (now) => (now < 60_000 ? 0 : 600)),
    [0, 500, 1000, 1500],
  );
});

test("an agent that is looked at no more is forgotten: its silence begins anew when it is there again", () => {
  const meter = new SilenceMeter(1_000);
  const other = "other" as typeof ARN;
  const silence = (arns: readonly (typeof ARN)[], now: number) => meter.look(arns, () => undefined, now).get(ARN);
  assert.equal(silence([ARN], 0)?.silentMs, 0);
  assert.equal(silence([ARN], 500)?.silentMs, 500);
  assert.equal(silence([other], 1_000), undefined);
  assert.equal(silence([ARN, other], 1_500)?.silentMs, 0);
});
