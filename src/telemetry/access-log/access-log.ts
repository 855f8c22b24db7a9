import { type AccessRecord, ruleKeyOf } from "../../balancer/index.ts";
import { hasAccessLog, isSecure, type ListenerRecord, type LoadBalancerRecord } from "../../model/load-balancer.ts";
import type { Clock, Instant } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { BerthStore } from "../../store/index.ts";
import { balancerDimension } from "../metric.ts";
import type { AccessFiles } from "./access-files.ts";
import { type AccessFacts, accessLine } from "./access-line.ts";

export interface AccessLogParts {
  readonly store: BerthStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly region: string;
  readonly accountId: string;
  readonly files: Pick<AccessFiles, "append">;
}

type Rule = NonNullable<AccessFacts["rule"]>;

/** What takes requests to load balancers with an access log, and writes them where its attributes say. */
export function createAccessLog(parts: AccessLogParts): (records: readonly AccessRecord[]) => void {
  const { view } = parts.store;
  return (records) => {
    const now = parts.clock.now();
    for (const [listenerId, own] of Map.groupBy(records, (record) => record.listenerId)) {
      const listener = view.listeners.get(listenerId);
      const owner = view.loadBalancers.get(listener?.loadBalancerArn ?? "");
      if (listener === undefined || owner === undefined || !hasAccessLog(owner)) continue;
      const rules = rulesOf(parts.store, listener);
      const facts = {
        balancer: balancerDimension(owner),
        port: listener.port,
        secure: isSecure(listener.protocol),
        now,
      };
      const lines = own.map((record) => accessLine(record, { ...facts, rule: rules.get(record.ruleKey ?? "") }));
      const token = parts.random.hex(4);
      // Another bucket or prefix is another series.
      const { "access_logs.s3.bucket": bucket = "", "access_logs.s3.prefix": prefix = "" } = owner.attributes;
      parts.files.append(`${owner.arn} ${bucket}/${prefix}`, lines, (endAt) => pathOf(parts, owner, endAt, token));
    }
  };
}

/** By the names that records have for them. */
function rulesOf({ view }: BerthStore, listener: ListenerRecord): ReadonlyMap<string, Rule> {
  const rule = (priority: number, [action]: ListenerRecord["defaultActions"]): Rule => ({
    priority,
    action: action?.Type ?? "",
  });
  return new Map([
    [ruleKeyOf(listener.arn, undefined), rule(0, listener.defaultActions)],
    ...view.listenerRules
      .where("listener", listener.arn)
      .map(({ arn, priority, actions }) => [ruleKeyOf(listener.arn, arn), rule(priority, actions)] as const),
  ]);
}

/** As the keys of objects in S3 are. Source: ELB user guide, "Access log files". */
function pathOf(
  { accountId, region }: AccessLogParts,
  owner: LoadBalancerRecord,
  endAt: Instant,
  token: string,
): string {
  const { "access_logs.s3.bucket": bucket = "", "access_logs.s3.prefix": prefix = "" } = owner.attributes;
  const end = new Date(endAt).toISOString();
  const day = end.slice(0, 10).split("-");
  const time = `${end.slice(0, 16).replaceAll(/[-:]/g, "")}Z`;
  const id = balancerDimension(owner).replaceAll("/", ".");
  const name = `${accountId}_elasticloadbalancing_${region}_${id}_${time}_${owner.address}_${token}.log`;
  const folders = [bucket, ...(prefix === "" ? [] : [prefix]), "AWSLogs", accountId, "elasticloadbalancing", region];
  return [...folders, ...day, name].join("/");
}
