import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silentLog } from "../../runtime/log.ts";
import { ManualClock } from "../../runtime/manual-clock.ts";
import { seededRandom } from "../../runtime/random.ts";
import { openKeptState } from "./kept-state.ts";

const dir = mkdtempSync(join(tmpdir(), "berth-kept-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const CERTIFICATE = { id: "c1", certificates: "chain", privateKey: "the private key" };
const STATE = { listeners: [], targetGroups: [], certificates: [CERTIFICATE] };

test("what is kept is there again, private keys sealed and for the owner's eyes alone", async () => {
  const parts = { clock: new ManualClock(), random: seededRandom(1), log: silentLog() };
  const kept = openKeptState(join(dir, "a"), parts);
  assert.equal(kept.load(), undefined);
  kept.keep({ listeners: [], targetGroups: [] });
  kept.keep(STATE);
  await kept.flush();
  const again = openKeptState(join(dir, "a"), { ...parts, random: seededRandom(2) });
  assert.deepEqual(again.load(), STATE);
  assert.equal(again.identity, kept.identity);
  const file = join(dir, "a", "state.json");
  assert.ok(!readFileSync(file, "utf8").includes("the private key"));
  for (const name of ["state.json", "sealing-key", "identity"])
    assert.equal(statSync(join(dir, "a", name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(join(dir, "a")).mode & 0o777, 0o700);
});

for (const [what, content] of [
  ["cut off", '{"form":1,"sta'],
  ["of another release", '{"form":2,"state":{"listeners":[],"targetGroups":[]}}'],
  ["sealed with another key", JSON.stringify({ form: 1, state: { ...STATE, certificates: [CERTIFICATE] } })],
] as const)
  test(`a file that is ${what} is not carried`, () => {
    const kept = openKeptState(dir, { clock: new ManualClock(), random: seededRandom(1), log: silentLog() });
    writeFileSync(join(dir, "state.json"), content);
    assert.equal(kept.load(), undefined);
  });
