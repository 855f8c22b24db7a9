import * as v from "valibot";
import type { TrafficSample } from "../traffic-sample.ts";

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

/** A sample that fits into a message. */
export function sampleToSend(sample: TrafficSample): TrafficSample {
  const targets = sample.targetGroups.reduce((sum, group) => sum + group.targets.length, 0);
  if (targets <= MAX_TARGETS_IN_SAMPLE) return sample;
  return { ...sample, targetGroups: sample.targetGroups.map((group) => ({ ...group, targets: [] })) };
}
