import * as v from "valibot";
import type { AccessRecord } from "../access-record.ts";
import type { BalancerStatus } from "../balancer.ts";
import type { TrafficSample } from "../metering/traffic-sample.ts";
import type { TargetReport } from "../state.ts";
import type { StateChange } from "./changes.ts";
import { accessRecords, trafficSample } from "./traffic-message.ts";

/** Where a host that carries load balancers opens its session. */
export const CARRIER_PATH = "/balancer/ws";

/** Another number: the two ends would not understand each other. Members that are only added keep it. */
export const CARRIER_PROTOCOL = 1;

/** Bytes of one message to a host: the whole of the largest state that there may be, with room. */
export const MAX_BYTES_TO_HOST = 64 * 1024 * 1024;
/** Bytes of one message from a host: the traffic of thousands of targets. */
export const MAX_BYTES_FROM_HOST = 16 * 1024 * 1024;
/** Reports in one message, so that none is long. */
export const MAX_REPORTS = 1_000;

/** What the control plane says to a host. */
export type MessageToHost =
  /** First of all: half of what the session's key is made of, 32 hex digits. */
  | { readonly type: "hello"; readonly nonce: string }
  /** What is wanted now is what change `from` made, changed so; 0 is nothing. Private keys are sealed. */
  | { readonly type: "change"; readonly number: number; readonly from: number; readonly change: StateChange }
  /** Could a listener be opened on this port? */
  | { readonly type: "check-bind"; readonly question: number; readonly port: number };

/** What a host says to the control plane. */
export type MessageFromHost =
  /** A change has come; with a problem, it cannot be carried out and what there was goes on. */
  | { readonly type: "taken"; readonly number: number; readonly problem?: string }
  /** HAProxy has what this change made, or cannot be brought to it. */
  | { readonly type: "settled"; readonly number: number; readonly problem?: string }
  /** What became of targets; `isWhole`: and nothing is known of any other. */
  | { readonly type: "reports"; readonly isWhole: boolean; readonly reports: readonly TargetReport[] }
  | { readonly type: "status"; readonly status: BalancerStatus }
  /** What happened since the one before. While nobody hears it, it is lost. */
  | { readonly type: "traffic"; readonly sample: TrafficSample }
  /** Requests to listeners that have an access log. While nobody hears of them, they are lost. */
  | { readonly type: "access"; readonly records: readonly AccessRecord[] }
  | { readonly type: "bind-answer"; readonly question: number; readonly problem?: string };

const text = (most: number) => v.pipe(v.string(), v.maxLength(most));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const problem = v.optional(text(16_384));

const identified = v.looseObject({ id: text(255) });
const difference = <S extends v.GenericSchema>(of: S) => v.object({ put: v.array(of), gone: v.array(text(255)) });

const target = v.looseObject({
  id: text(255),
  address: text(64),
  port: count,
  draining: v.boolean(),
  checkPort: v.optional(count),
});

/** What is in listeners and groups is judged by whoever carries it out, and by the newer release of the two at that. */
const change = v.object({
  listeners: difference(v.looseObject({ ...identified.entries, port: count, rules: v.array(v.looseObject({})) })),
  certificates: difference(v.looseObject({ ...identified.entries, certificates: v.string(), privateKey: v.string() })),
  targetGroups: difference(
    v.object({
      id: text(255),
      settings: v.optional(v.looseObject({ ...identified.entries, healthCheck: v.looseObject({}) })),
      targets: difference(target),
    }),
  ),
  others: v.optional(v.record(v.string(), v.unknown())),
});

const toHost = v.variant("type", [
  v.object({ type: v.literal("hello"), nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)) }),
  v.object({ type: v.literal("change"), number: count, from: count, change }),
  v.object({ type: v.literal("check-bind"), question: count, port: count }),
]);

const report = v.object({
  targetGroupId: text(255),
  targetId: text(255),
  state: v.picklist(["initial", "healthy", "unhealthy", "unavailable", "draining", "drained"]),
  reason: v.optional(
    v.picklist([
      "Elb.RegistrationInProgress",
      "Elb.InitialHealthChecking",
      "Target.ResponseCodeMismatch",
      "Target.Timeout",
      "Target.FailedHealthChecks",
      "Target.HealthCheckDisabled",
      "Target.DeregistrationInProgress",
    ]),
  ),
  description: v.optional(text(1024)),
  sessions: count,
});

const status = v.object({
  pid: v.optional(count),
  version: text(100),
  generation: count,
  failedListeners: v.pipe(v.array(v.object({ listenerId: text(255), error: text(2048) })), v.maxLength(2_500)),
  lastError: problem,
});

const fromHost = v.variant("type", [
  v.object({ type: v.literal("taken"), number: count, problem }),
  v.object({ type: v.literal("settled"), number: count, problem }),
  v.object({
    type: v.literal("reports"),
    isWhole: v.boolean(),
    reports: v.pipe(v.array(report), v.maxLength(MAX_REPORTS)),
  }),
  v.object({ type: v.literal("status"), status }),
  v.object({ type: v.literal("traffic"), sample: trafficSample }),
  v.object({ type: v.literal("access"), records: accessRecords }),
  v.object({ type: v.literal("bind-answer"), question: count, problem }),
]);

/** A message whose type the other release does not have: it says something that need not be heard. */
export type Unknown = { readonly type: "unknown" };

/** Reads a message to a host. Throws an Error that says what is wrong with one that is none. */
export const readMessageToHost = (from: string): MessageToHost | Unknown => read(toHost, from) as MessageToHost;

/** Reads a message from a host. Throws an Error that says what is wrong with one that is none. */
export const readMessageFromHost = (from: string): MessageFromHost | Unknown => read(fromHost, from) as MessageFromHost;

function read(schema: typeof toHost | typeof fromHost, from: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(from);
  } catch (cause) {
    throw new Error("the message is not JSON", { cause });
  }
  const known: readonly string[] = schema.options.map((option) => option.entries.type.literal);
  const named = v.safeParse(v.object({ type: text(100) }), value);
  if (named.success && !known.includes(named.output.type)) return { type: "unknown" };
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new Error(`the message is malformed: ${v.summarize(parsed.issues).slice(0, 1000)}`);
}
