import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Cluster, startCluster } from "./rig/cluster.ts";
import { hostsJoined } from "./rig/joined.ts";
import { describeRace, launchRace, launchRatio } from "./rig/launch-race.ts";

/** The aim is 1.25; what a busy machine adds to either side must not fail the test. */
const MOST = 1.5;

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ hosts: 1 });
  await hostsJoined(cluster, 1);
});
after(() => cluster?.close());

test("twenty tasks of two RunTask calls run hardly later than twenty containers of parallel docker run", async () => {
  const rounds = await launchRace(cluster, 3);
  console.log(describeRace(rounds));
  assert.ok(launchRatio(rounds) <= MOST, describeRace(rounds));
});
