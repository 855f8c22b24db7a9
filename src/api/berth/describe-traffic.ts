import type { ListenerRecord, LoadBalancerRecord, TargetGroupRecord, TargetRecord } from "../../model/load-balancer.ts";
import { registrationId } from "../../model/load-balancer.ts";
import { percentileMs, Span, type Thing, type Traffic, targetThing } from "../../telemetry/index.ts";
import type { BerthShape } from "../../wire/models/berth.ts";
import type { ApiContext } from "../context.ts";
import { invalidParameter, resourceNotFound } from "./errors.ts";
import type { Operation } from "./operation.ts";

const DEFAULT_SECONDS = 10;
/** So far back traffic is known by seconds, with room for a call that takes some. */
const MAX_SECONDS = 170;
const MAX_NAMED = 20;
const MAX_BALANCERS = 100;
const MAX_TARGETS = 100;

/** From when until when: whole seconds that are over. */
interface Window {
  readonly from: number;
  readonly to: number;
  readonly now: number;
}

/** What load balancers carry now, down to each target. */
export const describeTraffic: Operation<"DescribeTraffic"> = (
  context,
  { loadBalancers, seconds = DEFAULT_SECONDS },
) => {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS)
    throw invalidParameter(`seconds must be a whole number from 1 to ${MAX_SECONDS}.`);
  if (loadBalancers !== undefined && loadBalancers.length > MAX_NAMED)
    throw invalidParameter(`At most ${MAX_NAMED} load balancers can be named in one call.`);
  const now = context.clock.now();
  const to = Math.floor(now / 1000) * 1000;
  const window = { from: to - seconds * 1000, to, now };
  const chosen = chosenBalancers(context, loadBalancers).map((record) => balancerTraffic(context, record, window));
  return { seconds, loadBalancers: chosen };
};

function chosenBalancers({ store }: ApiContext, named: readonly string[] | undefined): LoadBalancerRecord[] {
  const all = [...store.view.loadBalancers.all()].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (named === undefined) return all.slice(0, MAX_BALANCERS);
  for (const name of named)
    if (!all.some((record) => record.name === name || record.arn === name))
      throw resourceNotFound(`There is no load balancer ${name.slice(0, 200)}.`);
  return all.filter(({ name, arn }) => named.includes(name) || named.includes(arn));
}

function balancerTraffic(context: ApiContext, record: LoadBalancerRecord, window: Window) {
  const { view } = context.store;
  const { traffic } = context.telemetry;
  const listeners = view.listeners.where("loadBalancer", record.arn).toSorted((a, b) => a.port - b.port);
  const groups = [...view.targetGroups.all()]
    .filter(({ arn }) => traffic.ownerOf(arn) === record.arn)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const all = new Span();
  for (const { arn } of listeners) all.addSpan(spanOf(traffic, "listener", arn, window));
  return {
    name: record.name,
    loadBalancerArn: record.arn,
    type: record.type,
    figures: figuresOf(all, traffic.active("load-balancer", record.arn), window),
    listeners: listeners.map((listener) => listenerTraffic(traffic, listener, window)),
    targetGroups: groups.map((group) => groupTraffic(context, group, window)),
  };
}

function listenerTraffic(traffic: Traffic, { arn, protocol, port }: ListenerRecord, window: Window) {
  return { listenerArn: arn, protocol, port, figures: figures(traffic, "listener", arn, window) };
}

function groupTraffic({ store, telemetry: { traffic } }: ApiContext, { arn, name }: TargetGroupRecord, window: Window) {
  const { healthy, unhealthy } = traffic.hosts(arn);
  const targets = store.view.targets
    .where("targetGroup", arn)
    .map((target) => targetTraffic(traffic, target, window))
    .toSorted((a, b) => busyness(b) - busyness(a) || (`${a.id}:${a.port}` < `${b.id}:${b.port}` ? -1 : 1));
  return {
    name,
    targetGroupArn: arn,
    healthyTargets: healthy,
    unhealthyTargets: unhealthy,
    figures: figures(traffic, "target-group", arn, window),
    targets: targets.slice(0, MAX_TARGETS),
    targetsLeftOut: Math.max(0, targets.length - MAX_TARGETS),
  };
}

const busyness = ({ figures: of }: BerthShape<"TargetTraffic">) => of.requestsPerSecond + of.connectionsPerSecond;

function targetTraffic(traffic: Traffic, target: TargetRecord, window: Window) {
  const { targetGroupArn, id, port, taskArn, state } = target;
  const thing = targetThing(targetGroupArn, registrationId(target));
  return { id, port, taskArn, health: state, figures: figures(traffic, "target", thing, window) };
}

function spanOf(traffic: Traffic, thing: Thing, id: string, { from, to, now }: Window): Span {
  return traffic.series(thing, id)?.between(from, to, now) ?? new Span();
}

function figures(traffic: Traffic, thing: Thing, id: string, window: Window): BerthShape<"TrafficFigures"> {
  return figuresOf(spanOf(traffic, thing, id, window), traffic.active(thing, id), window);
}

function figuresOf({ sums, latency }: Span, active: number, { from, to }: Window): BerthShape<"TrafficFigures"> {
  const perSecond = (sum: number) => (sum * 1000) / (to - from);
  const time = (percent: number) => {
    const ms = percentileMs(latency, percent);
    return ms === undefined ? undefined : ms / 1000;
  };
  return {
    requestsPerSecond: perSecond(sums.requests),
    connectionsPerSecond: perSecond(sums.connections),
    answers2xxPerSecond: perSecond(sums["2xx"] + sums.own2xx),
    answers3xxPerSecond: perSecond(sums["3xx"] + sums.own3xx),
    answers4xxPerSecond: perSecond(sums["4xx"] + sums.own4xx),
    answers5xxPerSecond: perSecond(sums["5xx"] + sums.own5xx),
    bytesInPerSecond: perSecond(sums.bytesIn),
    bytesOutPerSecond: perSecond(sums.bytesOut),
    connectionErrorsPerSecond: perSecond(sums.connectionErrors),
    responseTimeP50: time(50),
    responseTimeP90: time(90),
    responseTimeP99: time(99),
    active,
  };
}
