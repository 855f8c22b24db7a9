import * as v from "valibot";
import type { TrafficSample } from "../metering/traffic-sample.ts";

/** Targets in one sample: a few hundred bytes each. Of more than these, only what their groups carried together is told. */
export const MAX_TARGETS_IN_SAMPLE = 8_000;

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const id = v.pipe(v.string(), v.maxLength(255));
const codes = v.object({ "2xx": count, "3xx": count, "4xx": count, "5xx": count });
const bucket = v.pipe(v.string(), v.regex(/^\d{1,3}$/));
const latency = v.object({ sumMs: count, buckets: v.record(bucket, count) });

const carried = {
  requests: count,
  connections: count,
  bytesIn: count,
  bytesOut: count,
  answers: codes,
  connectionErrors: count,
  responseErrors: count,
  latency,
  active: count,
};

/** What a host may say of its traffic. */
export const trafficSample = v.object({
  at: count,
  durationMs: count,
  listeners: v.array(
    v.object({
      listenerId: id,
      requests: count,
      connections: count,
      bytesIn: count,
      bytesOut: count,
      answers: codes,
      badRequests: count,
      latency,
      activeConnections: count,
    }),
  ),
  targetGroups: v.array(
    v.object({
      targetGroupId: id,
      ...carried,
      targetAnswers: codes,
      ownAnswers: codes,
      targets: v.array(v.object({ targetId: id, ...carried })),
    }),
  ),
});

const ms = v.pipe(v.number(), v.integer(), v.minValue(-1));
const words = (most: number) => v.pipe(v.string(), v.maxLength(most));

/** What a host may say of requests. */
export const accessRecords = v.pipe(
  v.array(
    v.object({
      listenerId: id,
      targetGroupId: v.optional(id),
      targetId: v.optional(id),
      targetAddress: v.optional(words(64)),
      ruleKey: v.optional(words(64)),
      at: v.optional(count),
      receiveMs: ms,
      queueMs: ms,
      connectMs: ms,
      targetMs: ms,
      totalMs: ms,
      status: ms,
      bytesIn: count,
      bytesOut: count,
      client: words(64),
      method: words(64),
      uri: words(2048),
      version: words(64),
      host: words(512),
      userAgent: words(512),
      traceId: words(512),
      location: words(1024),
      tlsVersion: words(64),
      tlsCipher: words(64),
      serverName: words(512),
    }),
  ),
  v.maxLength(1_000),
);

/** A sample that fits into a message. */
export function sampleToSend(sample: TrafficSample): TrafficSample {
  const targets = sample.targetGroups.reduce((sum, group) => sum + group.targets.length, 0);
  if (targets <= MAX_TARGETS_IN_SAMPLE) return sample;
  return { ...sample, targetGroups: sample.targetGroups.map((group) => ({ ...group, targets: [] })) };
}
