import type { BerthOperations, BerthShape } from "../wire/models/berth.ts";
import { type Column, renderTable, shortName } from "./output.ts";

type Answer = BerthOperations["DescribeTraffic"]["output"];

/** One line of the table: a load balancer, or something of it. */
interface Row {
  readonly name: string;
  /** Absent where there is nothing to tell. */
  readonly figures?: Figures;
  readonly health: string;
  /** Whether it has clients' connections, and HTTP requests. */
  readonly has: { readonly connections: boolean; readonly requests: boolean };
}
type Figures = BerthShape<"TrafficFigures">;

/** The table of `berth top`: each load balancer with its listeners, its target groups and their targets. */
export function trafficTable({ loadBalancers }: Answer, styled: boolean): string {
  if (loadBalancers.length === 0) return "There is no load balancer.\n";
  return renderTable(loadBalancers.flatMap(rowsOf), COLUMNS, styled);
}

function rowsOf({ name, type, figures, listeners, targetGroups }: BerthShape<"LoadBalancerTraffic">): Row[] {
  const requests = type === "application";
  const front = { health: "", has: { connections: true, requests } };
  const has = { connections: !requests, requests };
  return [
    { ...front, name, figures },
    ...listeners.map((l) => ({ ...front, name: `  ${l.protocol}:${l.port}`, figures: l.figures })),
    ...targetGroups.flatMap((group): Row[] => [
      { name: `  ${group.name}`, figures: group.figures, health: groupHealth(group), has },
      ...group.targets.map((t) => ({ name: `    ${targetName(t)}`, figures: t.figures, health: t.health, has })),
      ...(group.targetsLeftOut === 0 ? [] : [{ name: `    and ${group.targetsLeftOut} more`, health: "", has }]),
    ]),
  ];
}

/** The beginning of a task's id tells it from its like, and leaves room for the figures. */
function targetName({ id, port, taskArn }: BerthShape<"TargetTraffic">): string {
  return taskArn === undefined ? `${id}:${port}` : `${id}:${port} (task ${shortName(taskArn).slice(0, 8)})`;
}

function groupHealth({ healthyTargets, unhealthyTargets }: BerthShape<"TargetGroupTraffic">): string {
  const healthy = `${healthyTargets} healthy`;
  return unhealthyTargets === 0 ? healthy : `${healthy}, ${unhealthyTargets} unhealthy`;
}

const WIDTH = 6;

/** A column of figures, right-aligned; `-` for a thing that has no such figure. */
const column = (
  heading: string,
  of: (figures: Figures) => string,
  hasIt: (row: Row) => boolean = ({ has }) => has.requests,
): Column<Row> => ({
  heading: heading.padStart(WIDTH),
  of: (row) => (row.figures === undefined ? "" : hasIt(row) ? of(row.figures) : "-").padStart(WIDTH),
});

const COLUMNS: readonly Column<Row>[] = [
  { heading: "LOAD BALANCER", of: ({ name }) => name },
  // Before the figures, so that a narrow terminal shows it.
  { heading: "HEALTH", of: ({ health }) => health },
  column(
    "CONN/S",
    (f) => rate(f.connectionsPerSecond),
    ({ has }) => has.connections,
  ),
  column("REQ/S", (f) => rate(f.requestsPerSecond)),
  column("2XX/S", (f) => rate(f.answers2xxPerSecond)),
  column("3XX/S", (f) => rate(f.answers3xxPerSecond)),
  column("4XX/S", (f) => rate(f.answers4xxPerSecond)),
  column("5XX/S", (f) => rate(f.answers5xxPerSecond)),
  column("P50", (f) => duration(f.responseTimeP50)),
  column("P90", (f) => duration(f.responseTimeP90)),
  column("P99", (f) => duration(f.responseTimeP99)),
  column(
    "ACTIVE",
    (f) => String(f.active),
    () => true,
  ),
];

/** Three figures that matter: `0`, `0.1`, `9.5`, `120`, `12.3k`. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 99.95) return perSecond < 0.05 ? "<0.1" : perSecond.toFixed(1);
  return perSecond < 9999.5 ? perSecond.toFixed(0) : `${(perSecond / 1000).toFixed(1)}k`;
}

/** `<1ms`, `12ms`, `1.25s`; `-` where nothing was answered. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return "-";
  const ms = seconds * 1000;
  if (ms < 1) return "<1ms";
  return ms < 999.5 ? `${ms.toFixed(0)}ms` : `${seconds.toFixed(2)}s`;
}
