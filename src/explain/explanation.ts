import type { BerthShape } from "../wire/models/berth.ts";

/** One thing that is so, as a sentence that begins with a small letter and has no full stop: `2 tasks fit on no host`. */
export type Finding = BerthShape<"Finding">;
export type FindingCode = Finding["code"];

/** Whether one container instance can take a task, and if not, all that it lacks for it. */
export type InstanceFit = BerthShape<"InstanceFit">;

/** What the answer about a service, a deployment or a task says, beside what it is about. */
export interface Explanation {
  readonly state: BerthShape<"ResourceState">;
  /** One sentence. */
  readonly summary: string;
  /** All that is to be said, the most important first; the summary has the first of them in it. */
  readonly findings: readonly Finding[];
  /** What can be done, the smallest change first. */
  readonly fixes: readonly string[];
  /** Where placement is the question: every instance of the cluster. */
  readonly instances: readonly InstanceFit[];
}
