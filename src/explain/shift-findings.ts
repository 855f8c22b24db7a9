import { bakesUntil, isOpenHook, MINUTE_MS, shiftUnderWay } from "../deployment/index.ts";
import type { DeploymentRecord } from "../model/deployment.ts";
import type { ServiceDeploymentRecord } from "../model/service-deployment.ts";
import { taskId } from "../model/task.ts";
import type { HookRun, LifecycleHook, ShiftSettings, ShiftState } from "../model/traffic-shift.ts";
import type { Instant } from "../runtime/clock.ts";
import type { Finding } from "./explanation.ts";
import type { ServiceFacts } from "./facts.ts";
import { type Found, type Look, NOTHING } from "./look.ts";
import { counted, inTime, lastPart, listed, span } from "./words.ts";

/** The shift of traffic to the deployment before its last stage; undefined if there is none, or it has not begun. */
function shiftOf(
  { observed }: ServiceFacts,
  primary: DeploymentRecord,
):
  | { readonly record: ServiceDeploymentRecord; readonly settings: ShiftSettings; readonly state: ShiftState }
  | undefined {
  const record = shiftUnderWay(observed.serviceDeployments, primary);
  const { shift: state, settings } = record ?? {};
  if (record === undefined || state === undefined || settings?.shift === undefined) return undefined;
  return state.stage === "CLEAN_UP" ? undefined : { record, settings: settings.shift, state };
}

/** What a deployment that shifts traffic waits for, beside its tasks: a person, the task of a hook, or time. */
export function shifting({ facts, primary, now, isAsked }: Look): Found {
  const shift = shiftOf(facts, primary);
  if (shift === undefined || !isAsked(primary.id)) return NOTHING;
  const { record, settings, state } = shift;
  const subject = `deployment ${primary.id} (${lastPart(primary.taskDefinitionArn)})`;
  const open = state.hooks.filter(isOpenHook);
  if (open.length > 0) {
    const found = open.map((run) => hookFound({ run, hook: settings.hooks[run.hook], record, state, subject }, now));
    const fixes = facts.isRehearsed === true ? [] : found.flatMap((f) => f.fixes);
    return { ...NOTHING, findings: found.map((f) => f.finding), fixes };
  }
  const until = bakesUntil(state, settings);
  if (until === undefined || until <= now) return NOTHING;
  const text = `${subject} is baking with ${state.production} % of the traffic, for ${span(now - state.since)}; this bake time is over ${inTime(until, now)}`;
  const back = `aws ecs stop-service-deployment --service-deployment-arn ${record.arn} --stop-type ROLLBACK`;
  const fixes = facts.isRehearsed === true ? [] : [`if it does not do well, roll it back with \`${back}\``];
  return { ...NOTHING, findings: [{ code: "BAKING", text }], fixes };
}

interface WaitingHook {
  readonly run: HookRun;
  /** As the settings say. */
  readonly hook: LifecycleHook | undefined;
  readonly record: ServiceDeploymentRecord;
  readonly state: ShiftState;
  readonly subject: string;
}

function hookFound(
  { run, hook, record, state, subject }: WaitingHook,
  now: Instant,
): { readonly finding: Finding; readonly fixes: readonly string[] } {
  const begun = hook === undefined ? state.since : run.expiresAt - hook.timeoutMinutes * MINUTE_MS;
  const otherwise = hook?.timeoutAction === "CONTINUE" ? "it goes on by itself" : "it is rolled back";
  const since = `for ${span(now - begun)}, with ${state.production} % of the traffic`;
  const end = `${otherwise} ${inTime(run.expiresAt, now)}`;
  if (run.status !== "AWAITING_ACTION") {
    const task =
      run.taskArn === undefined ? "a task that has found no place yet" : `task ${taskId({ arn: run.taskArn })}`;
    const text = `${subject} waits at ${run.stage}, ${since}, for ${task} of lifecycle hook ${run.id}; if that has not ended by then, ${end}`;
    const look = run.taskArn === undefined ? [] : [`see how it does: \`berth why ${lastPart(run.taskArn)}\``];
    return { finding: { code: "HOOK", text }, fixes: look };
  }
  const text = `${subject} is paused at ${run.stage}, ${since}, until somebody says how it goes on; if nobody does, ${end}`;
  const command = `aws ecs continue-service-deployment --service-deployment-arn ${record.arn} --hook-id ${run.id}`;
  return {
    finding: { code: "PAUSED", text },
    fixes: [`continue with \`${command} --action CONTINUE\``, `roll it back with \`${command} --action ROLLBACK\``],
  };
}

/** What is left of earlier deployments. */
export function replacing({ facts, wanted, now, primary, isAsked }: Look): Found {
  const old = wanted.filter((w) => w.task.deploymentId !== primary.id);
  if (old.length === 0 || !(isAsked(primary.id) || old.some((w) => isAsked(w.task.deploymentId)))) return NOTHING;
  const names = [...new Set(old.map((w) => lastPart(w.task.taskDefinitionArn)))];
  const before = `${counted(old.length, "task")} of the deployment before (${listed(names, 3)})`;
  if (shiftOf(facts, primary) !== undefined) {
    const text = `${before} ${old.length === 1 ? "stays" : "stay"} until ${lastPart(primary.taskDefinitionArn)} has all traffic and its bake time is over`;
    return { ...NOTHING, findings: [{ code: "REPLACING", text }] };
  }
  const pending = wanted.filter((w) => w.task.deploymentId === primary.id && w.health.state !== "healthy");
  const times = pending.flatMap((w) => (w.health.well && w.health.changesAt !== undefined ? [w.health.changesAt] : []));
  const next = times.length === 0 ? "" : `; the next new task counts as healthy ${inTime(Math.min(...times), now)}`;
  const text = `${before} ${old.length === 1 ? "goes" : "go"} when tasks of ${lastPart(primary.taskDefinitionArn)} are healthy${next}`;
  return facts.observed.service.desiredCount === 0 ? NOTHING : { ...NOTHING, findings: [{ code: "REPLACING", text }] };
}
