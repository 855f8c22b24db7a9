import assert from "node:assert/strict";
import { test } from "node:test";
import type { Carrier, CarriersWatcher, TrafficSample } from "../balancer/index.ts";
import { hearTraffic } from "./hear-traffic.ts";

const SAMPLE: TrafficSample = { at: 1, durationMs: 1000, listeners: [], targetGroups: [] };

/** A balancer that tells samples, and counts who listens. */
function carrier(name: string) {
  const listeners = new Set<(sample: TrafficSample) => void>();
  const onTraffic = (listener: (sample: TrafficSample) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const carries = { name, address: "", balancer: { onTraffic, onAccess: onTraffic } } as unknown as Carrier;
  const tell = () => {
    for (const listener of listeners) listener(SAMPLE);
  };
  return { carries, tell, listeners };
}

test("every balancer that is there, or joins, is heard by its name until it leaves", () => {
  const [own, other] = [carrier("own"), carrier("other")];
  let watcher: CarriersWatcher | undefined;
  const heard: (string | undefined)[] = [];
  const end = hearTraffic(
    { take: (_, source) => heard.push(source) },
    {
      connected: () => [own.carries],
      watch: (given) => {
        watcher = given;
        return () => {
          watcher = undefined;
        };
      },
    },
    () => heard.push("access"),
  );
  own.tell();
  watcher?.joined(other.carries);
  watcher?.joined(other.carries); // its session ended and the next one began
  other.tell();
  assert.deepEqual(heard, ["own", "access", "other", "access"]);
  watcher?.left(other.carries);
  assert.equal(other.listeners.size, 0);
  end();
  assert.equal(own.listeners.size, 0);
  assert.equal(watcher, undefined);
});
