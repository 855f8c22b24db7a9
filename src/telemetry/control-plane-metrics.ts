import { TASK_STATUSES } from "../model/task.ts";
import type { BerthStore } from "../store/index.ts";
import type { Metric } from "./prometheus.ts";

/** What the control plane says of itself: read from the store's indexes, so that a scrape costs little. */
export function controlPlaneMetrics(store: BerthStore): Metric[] {
  const { view } = store;
  const clusters = [...view.clusters.all()].filter((c) => c.status === "ACTIVE");
  return [
    {
      name: "berth_tasks",
      help: "Tasks by cluster and lastStatus.",
      type: "gauge",
      samples: clusters.flatMap((c) =>
        TASK_STATUSES.map((status) => ({
          labels: { cluster: c.name, status },
          value: view.tasks.count("clusterStatus", `${c.arn}|${status}`),
        })),
      ),
    },
    {
      name: "berth_container_instances",
      help: "Container instances by cluster and whether their agent is connected.",
      type: "gauge",
      samples: clusters.flatMap((c) => {
        const instances = view.containerInstances.where("cluster", c.arn);
        const connected = instances.filter((i) => i.agentConnected).length;
        return [
          { labels: { cluster: c.name, agent: "connected" }, value: connected },
          { labels: { cluster: c.name, agent: "disconnected" }, value: instances.length - connected },
        ];
      }),
    },
    {
      name: "berth_store_revision",
      help: "Committed transactions since the store was made.",
      type: "counter",
      samples: [{ value: store.revision }],
    },
  ];
}
