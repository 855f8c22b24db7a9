import type { Latency } from "./latency.ts";

/** How many answers of each class of HTTP status. */
export type Codes = Readonly<Record<CodeClass, number>>;

export const CODE_CLASSES = ["2xx", "3xx", "4xx", "5xx"] as const;
export type CodeClass = (typeof CODE_CLASSES)[number];

/** What a listener got and gave. */
export interface ListenerTraffic {
  readonly listenerId: string;
  /** HTTP requests. */
  readonly requests: number;
  /** New connections from clients. */
  readonly connections: number;
  /** From clients, and to them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What clients were answered, whoever made the answer. An answer counts when it is over. */
  readonly answers: Codes;
  /** Requests that could not be read, or did not come in time. They are among `requests` and `answers` if they were answered. */
  readonly badRequests: number;
  /** Of the answers that targets gave to this listener's requests. */
  readonly latency: Latency;
  /** Connections from clients, now. */
  readonly activeConnections: number;
}

/** What is counted of targets. */
interface Carried {
  /** HTTP requests: a target's are those that it answered, a group's all that it was to answer. */
  readonly requests: number;
  /** TCP only: connections given to it. */
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Attempts to connect to a target that failed, each retry its own. */
  readonly connectionErrors: number;
  /** Answers that broke off or were none. */
  readonly responseErrors: number;
  /** From the last byte of the request to the answer's headers. At high rates of a fraction of the answers, each with its weight. */
  readonly latency: Latency;
  /** Requests (HTTP) or connections (TCP) under way, now. */
  readonly active: number;
}

export interface TargetTraffic extends Carried {
  readonly targetId: string;
  /** What it answered. An answer counts when its headers are there. */
  readonly answers: Codes;
}

export interface TargetGroupTraffic extends Carried {
  readonly targetGroupId: string;
  /** What clients were answered to requests that this group was to answer, whoever made the answer. */
  readonly answers: Codes;
  /** What its targets answered, those that are gone included. */
  readonly targetAnswers: Codes;
  /** What HAProxy answered for it: no target, none that could be reached, none that answered in time. */
  readonly ownAnswers: Codes;
  /** Only targets of which there is something to tell. */
  readonly targets: readonly TargetTraffic[];
}

/**
 * What happened at a load balancer since the sample before. It is plain JSON, and all of it can be added up, over time and over load
 * balancers, except what its description calls `now`. Listeners, groups and targets of which all is zero are left out.
 */
export interface TrafficSample {
  /** When it was taken, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** Since the sample before, in milliseconds. */
  readonly durationMs: number;
  readonly listeners: readonly ListenerTraffic[];
  readonly targetGroups: readonly TargetGroupTraffic[];
}
