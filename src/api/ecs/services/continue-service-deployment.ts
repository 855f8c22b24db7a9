import type { HookRun } from "../../../model/traffic-shift.ts";
import { requestRollback } from "../../../state/index.ts";
import { invalidParameter } from "../errors.ts";
import type { Operation } from "../operation.ts";
import { resolveServiceDeployment } from "./resolve.ts";

/**
 * Resolves the PAUSE hook that a service deployment waits at: it goes on, or is rolled back. Throws
 * ServiceDeploymentNotFoundException, and InvalidParameterException unless the deployment is IN_PROGRESS and the hook awaits
 * an action. Source: ECS developer guide, continuing service deployments.
 */
export const continueServiceDeployment: Operation<"ContinueServiceDeployment"> = async ({ store, clock }, input) => {
  const { serviceDeploymentArn, hookId, action = "CONTINUE" } = input;
  const now = clock.now();
  await store.transact("ContinueServiceDeployment", (tx) => {
    const record = resolveServiceDeployment(tx, serviceDeploymentArn);
    const { shift, status } = record;
    const run = shift?.hooks.find(({ id }) => id === hookId);
    if (shift === undefined || run === undefined) {
      throw invalidParameter(`The service deployment has no lifecycle hook ${hookId}.`);
    }
    if (status !== "IN_PROGRESS") throw invalidParameter(`The service deployment is ${status} and not IN_PROGRESS.`);
    if (run.status !== "AWAITING_ACTION") {
      throw invalidParameter(`The lifecycle hook ${hookId} is ${run.status} and awaits no action.`);
    }
    const ended: HookRun = { ...run, status: action === "CONTINUE" ? "SUCCEEDED" : "FAILED", endedAt: now };
    const hooks = shift.hooks.map((one) => (one === run ? ended : one));
    const next = { ...record, shift: { ...shift, hooks }, updatedAt: now };
    if (action === "CONTINUE") tx.serviceDeployments.put(next);
    else requestRollback(tx, next, now);
  });
  return { serviceDeploymentArn };
};
