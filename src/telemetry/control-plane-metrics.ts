import { isUsable } from "../model/certificate.ts";
import { TASK_STATUSES } from "../model/task.ts";
import type { BerthStore, BerthView } from "../store/index.ts";
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
    ...certificateMetrics(view),
    {
      name: "berth_store_revision",
      help: "Committed transactions since the store was made.",
      type: "counter",
      samples: [{ value: store.revision }],
    },
  ];
}

/** What an operator is to be woken by before a certificate ends. */
function certificateMetrics(view: BerthView): Metric[] {
  const certificates = [...view.certificates.all()];
  const shown = certificates.filter((c) => isUsable(c) && view.listeners.count("certificate", c.arn) > 0);
  return [
    {
      name: "berth_certificate_expiry_timestamp_seconds",
      help: "When each certificate that a listener shows ends, in seconds since 1970.",
      type: "gauge",
      samples: shown.map(({ arn, facts }) => ({
        labels: { certificate: arn, domain: facts?.domainName ?? "" },
        value: Math.floor((facts?.notAfter ?? 0) / 1000),
      })),
    },
    {
      name: "berth_certificate_failures",
      help: "Attempts in a row to have a requested certificate issued or renewed that came to nothing.",
      type: "gauge",
      samples: certificates.flatMap(({ arn, request }) =>
        request === undefined || request.failures === 0
          ? []
          : [{ labels: { certificate: arn, domain: request.names[0] ?? "" }, value: request.failures }],
      ),
    },
  ];
}
