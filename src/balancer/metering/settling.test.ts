import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Settling } from "./settling.ts";

test("a difference is told up to the highest that it was, and never goes back", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2, max: 2 })), (steps) => {
      const settling = new Settling();
      let [difference, highest, told] = [0, 0, 0];
      for (const step of steps) {
        difference += step;
        highest = Math.max(highest, difference);
        const now = settling.add(step);
        assert.ok(now >= 0);
        told += now;
        assert.equal(told, highest);
      }
    }),
  );
});
