type Labels = Readonly<Record<string, string>>;

/** One metric in Prometheus' words: a name, what it counts, and its values by label. */
export type Metric = {
  /** Letters, digits and underscores. */
  readonly name: string;
  readonly help: string;
} & (
  | {
      readonly type: "counter" | "gauge";
      readonly samples: readonly { readonly labels?: Labels; readonly value: number }[];
    }
  | { readonly type: "histogram"; readonly samples: readonly HistogramSample[] }
);

export interface HistogramSample {
  readonly labels?: Labels;
  readonly sum: number;
  readonly count: number;
  /** How many were at most `le`, in rising order of it. The one that takes all is left out: it is `count`. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

/** The text that Prometheus scrapes. Source: Prometheus exposition formats, text format 0.0.4. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics.map((metric) => `${formatMetric(metric)}\n`).join("");
}

export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

function formatMetric(metric: Metric): string {
  const { name, help, type } = metric;
  const lines =
    metric.type === "histogram"
      ? metric.samples.flatMap((sample) => histogramLines(name, sample))
      : metric.samples.map(({ labels, value }) => line(name, labels, value));
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
}

function histogramLines(name: string, { labels, sum, count, buckets }: HistogramSample): string[] {
  const bucket = (le: string, value: number) => line(`${name}_bucket`, { ...labels, le }, value);
  return [
    ...buckets.map((one) => bucket(String(one.le), one.count)),
    bucket("+Inf", count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ];
}

const line = (name: string, labels: Labels | undefined, value: number) =>
  `${name}${formatLabels(labels ?? {})} ${value}`;

function formatLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${value.replace(/[\\"\n]/g, escapeLabel)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

const escapeLabel = (char: string) => (char === "\n" ? "\\n" : `\\${char}`);
