import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMetrics } from "./prometheus.ts";

test("a metric is written with its help, its type and its labels", () => {
  const text = formatMetrics([
    {
      name: "berth_tasks",
      help: "Tasks by status.",
      type: "gauge",
      samples: [{ labels: { cluster: 'a"b\\c\nd', status: "RUNNING" }, value: 3 }],
    },
    { name: "berth_up", help: "Up.", type: "gauge", samples: [{ value: 1 }] },
  ]);
  assert.equal(
    text,
    '# HELP berth_tasks Tasks by status.\n# TYPE berth_tasks gauge\nberth_tasks{cluster="a\\"b\\\\c\\nd",status="RUNNING"} 3\n' +
      "# HELP berth_up Up.\n# TYPE berth_up gauge\nberth_up 1\n",
  );
});
