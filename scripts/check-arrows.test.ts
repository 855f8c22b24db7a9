import assert from "node:assert/strict";
import { test } from "node:test";
import { circles, complaint, importsOf, simulatorComplaint } from "./check-arrows.ts";

test("every form of import is found, types told from values, comments left out", () => {
  const source = `
import "./side-effect.ts";
import def from 'one';
import { a, type B } from "two";
import type { C } from "three";
import type D from "four";
import {
  long,
} from "five";
export { x } from "six";
export type { Y } from "seven";
export * from "eight";
// import { no } from "comment";
/* import { no } from "block"; */
export const z = "from 'string'";
const lazy = await import("nine");
import type from "ten";
`;
  assert.deepEqual(
    importsOf(source).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? " type" : ""}`),
    ["./side-effect.ts", "one", "two", "three type", "four type", "five", "six", "seven type", "eight", "ten", "nine"],
  );
});

const cases: readonly [file: string, specifier: string, typeOnly: boolean, expected: RegExp | undefined][] = [
  ["api/ecs/tasks.ts", "../../store/index.ts", false, undefined],
  ["api/ecs/tasks.ts", "./task-arguments.ts", false, undefined],
  ["store/index.ts", "../api/index.ts", false, /store lies below api/],
  ["store/index.ts", "../api/index.ts", true, /store lies below api/],
  ["model/task.ts", "../scheduler/index.ts", true, /model lies below scheduler/],
  ["api/ecs/tasks.ts", "../../store/memory.ts", false, /entered by its door, store\/index\.ts/],
  ["api/ecs/tasks.ts", "../../store/memory.ts", true, /entered by its door/],
  ["api/ecs/tasks.ts", "../../model/task.ts", false, undefined],
  ["api/ecs/tasks.ts", "../../wire/ecs/codec.ts", false, undefined],
  ["server.ts", "./store/sqlite/journal.ts", false, undefined],
  ["cli/commands/server.ts", "../../server.ts", false, undefined],
  ["cli/commands/host.ts", "../../capacity/netns/hosts.ts", false, undefined],
  ["api/index.ts", "../server.ts", false, /api lies below server\.ts/],
  ["scheduler/index.ts", "../model/task.ts", false, undefined],
  ["scheduler/index.ts", "../runtime/clock.ts", true, undefined],
  ["scheduler/index.ts", "../runtime/random.ts", false, /pure: from runtime it may import types only/],
  ["deployment/index.ts", "../wire/arn.ts", false, undefined],
  ["deployment/index.ts", "../runtime/assert-never.ts", false, undefined],
  ["deployment/index.ts", "../wire/errors.ts", false, /pure/],
  ["deployment/index.ts", "node:fs", false, /pure: it may not run node:fs/],
  ["deployment/index.ts", "@aws-sdk/client-ecs", true, undefined],
  ["agent/index.ts", "../wire/arn.ts", false, undefined],
  ["agent/index.ts", "../runtime/clock.ts", false, undefined],
  ["agent/index.ts", "../model/task.ts", true, /agent may import wire and runtime, not model/],
  ["gateway/index.ts", "../agent/index.ts", true, /only cli starts the agent/],
  ["cli/commands/agent.ts", "../../agent/index.ts", false, undefined],
  ["tools/index.ts", "../wire/arn.ts", false, /tools is no room/],
  ["api/index.ts", "../tools/index.ts", false, /tools is no room/],
  ["cli/main.ts", "../../package.json", false, undefined],
  ["api/index.ts", "../../sim/world.ts", false, /src may not import from sim/],
];

for (const [file, specifier, typeOnly, expected] of cases)
  test(`${file} importing ${typeOnly ? "types of " : ""}${specifier} is ${expected === undefined ? "fine" : "refused"}`, () => {
    const answer = complaint(file, { specifier, typeOnly });
    if (expected === undefined) assert.equal(answer, undefined);
    else assert.match(answer ?? "nothing", expected);
  });

const ofSimulator: readonly [specifier: string, expected: RegExp | undefined][] = [
  ["../src/gateway/index.ts", undefined],
  ["../src/api/context.ts", undefined],
  ["../src/server-compose.ts", undefined],
  ["../src/server.ts", /simulates what server.ts does/],
  ["../src/model/task.ts", undefined],
  ["./world.ts", undefined],
  ["../src/gateway/gateway.ts", /gateway is entered by its door/],
  ["../src/store/memory-journal.ts", /store is entered by its door/],
  ["../src/agent/index.ts", /simulates what agent does/],
  ["../test/rig/simulated-agent.ts", /from src alone/],
];

for (const [specifier, expected] of ofSimulator) {
  test(`sim importing ${specifier} is ${expected === undefined ? "allowed" : "refused"}`, () => {
    const said = simulatorComplaint({ specifier, typeOnly: false });
    if (expected === undefined) assert.equal(said, undefined);
    else assert.match(said ?? "", expected);
  });
}

test("files that import one another are found, and those that only share what they import are not", () => {
  const imports = new Map([
    ["a", ["b", "shared"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", ["a", "e", "shared"]],
    ["e", ["d"]],
    ["f", ["a", "d"]],
    ["shared", []],
  ]);
  assert.deepEqual(circles(imports), [
    ["a", "b", "c"],
    ["d", "e"],
  ]);
});
