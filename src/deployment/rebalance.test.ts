import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ContainerInstanceRecord } from "../model/container-instance.ts";
import { imbalance, type PlacedTask, planRebalance, type RebalancePlace } from "./rebalance.ts";
import { testInstance, testTask } from "./testing.ts";

const ZONE = "attribute:ecs.availability-zone";
const FIELDS = [ZONE, "instanceId"];

function host(number: number, zone: string): ContainerInstanceRecord {
  return testInstance(number, { attributes: [{ name: "ecs.availability-zone", value: zone }] });
}

/** Tasks by host: `[[zone, tasks, room], ...]`; all may be stopped. */
function layout(hosts: readonly (readonly [zone: string, tasks: number, room?: number])[]) {
  const instances = hosts.map(([zone], i) => host(i, zone));
  let number = 0;
  const tasks: PlacedTask[] = hosts.flatMap(([, count], i) =>
    Array.from({ length: count }, () => ({
      arn: testTask(++number).arn,
      instance: instances[i]!,
      isFree: true,
      createdAt: number,
    })),
  );
  const places: RebalancePlace[] = hosts.map(([, , room = 9], i) => ({ instance: instances[i]!, room }));
  return { tasks, places };
}

const name = (instance: ContainerInstanceRecord) => Number(instance.arn.split("/i").at(-1));

const rows = [
  {
    title: "5 tasks over 3 zones are even at 2, 2, 1",
    hosts: [
      ["a", 3],
      ["b", 1],
      ["c", 1],
    ],
    moves: [[0, 1]],
  },
  {
    title: "an even layout stays",
    hosts: [
      ["a", 2],
      ["b", 2],
      ["c", 1],
    ],
    moves: [],
  },
  {
    title: "a new zone gets its share",
    hosts: [
      ["a", 2],
      ["b", 2],
      ["c", 0],
    ],
    moves: [[0, 2]],
  },
  {
    title: "hosts of one zone are evened out, too",
    hosts: [
      ["a", 4],
      ["a", 0],
    ],
    moves: [
      [0, 1],
      [0, 1],
    ],
  },
  {
    title: "zones go before hosts, and no host's move disturbs a zone",
    hosts: [
      ["a", 2],
      ["a", 0],
      ["b", 2],
    ],
    moves: [[0, 1]],
  },
  {
    title: "a full host takes none",
    hosts: [
      ["a", 4],
      ["a", 0, 0],
      ["a", 1],
    ],
    moves: [[0, 2]],
  },
  {
    title: "room is used up",
    hosts: [
      ["a", 6],
      ["a", 0, 1],
    ],
    moves: [[0, 1]],
  },
] as const;

for (const { title, hosts, moves } of rows) {
  test(`[DP24] ${title}`, () => {
    const { tasks, places } = layout(hosts);
    const plan = planRebalance(tasks, places, FIELDS);
    assert.deepEqual(
      plan.moves.map((m) => [name(m.from), name(m.to)]),
      moves,
    );
  });
}

test("[DP24] protected tasks stay, and it is said what holds a zone back", () => {
  const { tasks, places } = layout([
    ["a", 3],
    ["b", 0],
  ]);
  const held = planRebalance(
    tasks.map((t) => ({ ...t, isFree: false })),
    places,
    FIELDS,
  );
  assert.deepEqual([held.moves, held.held], [[], { field: ZONE, count: 3 }]);
  const full = planRebalance(
    tasks,
    places.map((p) => ({ ...p, room: 0 })),
    FIELDS,
  );
  assert.deepEqual([full.moves, full.full?.field, full.full?.instance.arn], [[], ZONE, places[1]?.instance.arn]);
});

test("[DP25] whatever the layout, imbalance falls with every move, room is kept, and what is even stays as it is", () => {
  const seen = { moves: 0, blocked: 0 };
  const oneHost = fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(4), fc.nat(3));
  const fields = fc.constantFrom(FIELDS, ["instanceId"], ["instanceId", ZONE], [ZONE]);
  fc.assert(
    fc.property(fc.array(oneHost, { maxLength: 6 }), fields, fc.nat(4), (hosts, over, held) => {
      const { tasks, places } = layout(hosts);
      const mine = tasks.map((t, i) => ({ ...t, isFree: i >= held }));
      const plan = planRebalance(mine, places, over);
      let now: readonly PlacedTask[] = mine;
      for (const move of plan.moves) {
        const before = imbalance(now, over);
        assert.equal(now.find((t) => t.arn === move.taskArn)?.instance.arn, move.from.arn);
        assert.ok(now.find((t) => t.arn === move.taskArn)?.isFree);
        now = now.map((t) => (t.arn === move.taskArn ? { ...t, instance: move.to } : t));
        const after = imbalance(now, over);
        const first = over.findIndex((_, i) => before[i] !== after[i]);
        assert.ok(first >= 0 && after[first]! < before[first]!, `${before} -> ${after}`);
        seen.moves++;
      }
      for (const { instance, room } of places) {
        const gained = now.filter((t) => t.instance.arn === instance.arn).length;
        const had = mine.filter((t) => t.instance.arn === instance.arn).length;
        assert.ok(gained - had <= room, "more than fits");
      }
      assert.ok(plan.moves.length <= mine.length * over.length, "each task moves once for each field at most");
      const left = places.map((p) => ({
        ...p,
        room:
          p.room -
          now.filter((t) => t.instance.arn === p.instance.arn).length +
          mine.filter((t) => t.instance.arn === p.instance.arn).length,
      }));
      assert.deepEqual(planRebalance(now, left, over).moves, [], "what was evened out stays");
      seen.blocked += plan.full !== undefined || plan.held !== undefined ? 1 : 0;
      assert.deepEqual(
        planRebalance(mine.toReversed(), places.toReversed(), over),
        plan,
        "the order of input matters not",
      );
    }),
    { numRuns: 1000 },
  );
  assert.ok(seen.moves > 500 && seen.blocked > 50, JSON.stringify(seen));
});
