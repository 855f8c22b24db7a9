import assert from "node:assert/strict";
import { test } from "node:test";
import type { CapacityProviderShare } from "../model/capacity-provider.ts";
import { seededRandom } from "../runtime/random.ts";
import { NO_PROVIDER, providerForStart, providerForStop, providersForStarts } from "./capacity-strategy.ts";

const share = (capacityProvider: string, weight: number, base = 0): CapacityProviderShare => ({
  capacityProvider,
  weight,
  base,
});

function started(strategy: readonly CapacityProviderShare[], count: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of providersForStarts(strategy, new Map(), count)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

test("[PL17] the ratios are the documented ones", () => {
  // Source: ECS API reference, CapacityProviderStrategyItem, and developer guide, capacity provider strategies.
  const table: [CapacityProviderShare[], string][] = [
    [[share("a", 1), share("b", 1)], "abababab"],
    [[share("a", 1), share("b", 4)], "bbbabbbbab"],
    [[share("a", 0, 2), share("b", 1)], "aabbbb"],
    [[share("a", 1, 2), share("b", 1)], "aaabab"],
    [[share("a", 0, 1), share("b", 1), share("c", 3)], "accbcc"],
    [[share("a", 0)], "aaa"],
    [[share("a", 0, 2)], "aaaa"],
    [[share("a", 1), share("b", 0)], "aaa"],
  ];
  for (const [strategy, expected] of table) {
    assert.equal(providersForStarts(strategy, new Map(), expected.length).join(""), expected);
  }
  assert.deepEqual(providersForStarts([], new Map(), 3), []);
});

test("[PL17] what is there already counts", () => {
  const strategy = [share("a", 1), share("b", 1)];
  assert.equal(providersForStarts(strategy, new Map([["a", 3]]), 4).join(""), "bbba");
  // Of other providers, or of none, nothing counts.
  const others = new Map([
    [NO_PROVIDER, 9],
    ["z", 9],
  ]);
  assert.equal(providersForStarts(strategy, others, 2).join(""), "ab");
});

test("[PL18] what the strategy does not name goes first, a base last", () => {
  const strategy = [share("a", 1, 2), share("b", 1), share("c", 0)];
  const counts = new Map([
    ["a", 3],
    ["b", 1],
    ["c", 1],
    ["z", 1],
  ]);
  const order: string[] = [];
  for (let left = 6; left > 0; left--) {
    const among = new Set([...counts].filter(([, n]) => n > 0).map(([name]) => name));
    const name = providerForStop(strategy, counts, among) ?? "";
    counts.set(name, (counts.get(name) ?? 0) - 1);
    order.push(name);
  }
  assert.equal(order.join(""), "zcbaaa");
  assert.equal(providerForStop(strategy, counts, new Set()), undefined);
  assert.equal(providerForStop(strategy, new Map([["a", 1]]), new Set(["a", NO_PROVIDER])), NO_PROVIDER);
});

test("[PL17] [PL18] whatever the strategy, shares keep to the weights, bases come first and scaling in takes back what scaling out gave", () => {
  const random = seededRandom(17);
  const upTo = (n: number) => Math.floor(random.next() * (n + 1));
  for (let round = 0; round < 400; round++) {
    const strategy = Array.from({ length: 1 + upTo(4) }, (_, i) => share(`p${i}`, upTo(3) === 0 ? 0 : upTo(20)));
    const based = upTo(strategy.length);
    const withBase = strategy.map((one, i) => (i === based ? { ...one, base: upTo(6) } : one));
    if (withBase.length > 1 && withBase.every((one) => one.weight === 0)) continue;
    const most = upTo(60);
    const counts = started(withBase, most);
    const total = [...counts.values()].reduce((a, b) => a + b, 0);
    assert.equal(total, most);
    checkShares(withBase, counts, most);
    for (let n = most; n > 0; n--) {
      const name = providerForStop(withBase, counts, new Set([...counts.keys()].filter((p) => counts.get(p) !== 0)));
      counts.set(name ?? "", (counts.get(name ?? "") ?? 0) - 1);
      const fresh = started(withBase, n - 1);
      for (const [p, count] of counts) assert.equal(count, fresh.get(p) ?? 0, `${p} at ${n - 1} of round ${round}`);
    }
    assert.equal(providerForStart(withBase, new Map()), started(withBase, 1).keys().next().value);
  }
});

function checkShares(strategy: readonly CapacityProviderShare[], counts: ReadonlyMap<string, number>, total: number) {
  const base = Math.min(total, Math.max(...strategy.map((one) => one.base)));
  const rest = total - base;
  const weights = strategy.reduce((sum, one) => sum + one.weight, 0);
  for (const { capacityProvider, weight, base: own } of strategy) {
    const count = counts.get(capacityProvider) ?? 0;
    const beyond = count - (own > 0 ? base : 0);
    const due = strategy.length === 1 ? rest : (rest * weight) / weights;
    assert.ok(beyond >= Math.floor(due), `${capacityProvider} has ${beyond} beyond its base, ${due} are due`);
    if (weight === 0 && strategy.length > 1) assert.equal(beyond, 0, `${capacityProvider} has no weight`);
  }
}
