import assert from "node:assert/strict";
import { test } from "node:test";
import type { BerthShape } from "../wire/models/berth.ts";
import { duration, rate, trafficTable } from "./traffic-table.ts";

for (const [value, text] of [
  [0, "0"],
  [0.01, "<0.1"],
  [0.1, "0.1"],
  [99.94, "99.9"],
  [99.96, "100"],
  [9999.4, "9999"],
  [12_345, "12.3k"],
] as const)
  test(`a rate of ${value}`, () => assert.equal(rate(value), text));

for (const [seconds, text] of [
  [undefined, "-"],
  [0, "<1ms"],
  [0.0124, "12ms"],
  [0.9994, "999ms"],
  [1.25, "1.25s"],
] as const)
  test(`a time of ${seconds} s`, () => assert.equal(duration(seconds), text));

const FIGURES: BerthShape<"TrafficFigures"> = {
  requestsPerSecond: 12,
  connectionsPerSecond: 3,
  answers2xxPerSecond: 10,
  answers3xxPerSecond: 0,
  answers4xxPerSecond: 2,
  answers5xxPerSecond: 0,
  bytesInPerSecond: 1,
  bytesOutPerSecond: 1,
  connectionErrorsPerSecond: 0,
  responseTimeP50: 0.012,
  responseTimeP90: 0.1,
  responseTimeP99: 1.5,
  active: 4,
};

test("the table has a line for each load balancer, listener, target group and target", () => {
  const targets = [
    { id: "10.0.0.1", port: 80, taskArn: "arn:task/default/0123456789abcdef", health: "healthy", figures: FIGURES },
  ];
  const group = { name: "hello", targetGroupArn: "tg", healthyTargets: 1, unhealthyTargets: 2, figures: FIGURES };
  const base = { loadBalancerArn: "lb", figures: FIGURES, listeners: [], targetGroups: [] };
  const table = trafficTable(
    {
      seconds: 10,
      loadBalancers: [
        {
          ...base,
          name: "web",
          type: "application",
          listeners: [{ listenerArn: "ls", protocol: "HTTP", port: 80, figures: FIGURES }],
          targetGroups: [{ ...group, targets, targetsLeftOut: 7 }],
        },
        { ...base, name: "db", type: "network" },
      ],
    },
    false,
  );
  const row = (name: string, health: string, connections: string) =>
    `${name.padEnd(31)}  ${health.padEnd(22)}  ${connections.padStart(6)}    12.0    10.0       0     2.0       0    12ms   100ms   1.50s       4\n`;
  assert.equal(
    table,
    [
      "LOAD BALANCER                    HEALTH                  CONN/S   REQ/S   2XX/S   3XX/S   4XX/S   5XX/S     P50     P90     P99  ACTIVE\n",
      row("web", "", "3.0"),
      row("  HTTP:80", "", "3.0"),
      row("  hello", "1 healthy, 2 unhealthy", "-"),
      row("    10.0.0.1:80 (task 01234567)", "healthy", "-"),
      "    and 7 more\n",
      `${"db".padEnd(31)}  ${"".padEnd(22)}     3.0${"       -".repeat(8)}       4\n`,
    ].join(""),
  );
});

test("without a load balancer it says so", () => {
  assert.equal(trafficTable({ seconds: 10, loadBalancers: [] }, false), "There is no load balancer.\n");
});
