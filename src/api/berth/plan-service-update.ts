import { deploymentAt, putUpdatedService } from "../ecs/services/services.ts";
import type { Operation } from "./operation.ts";
import { planChange, planRandom } from "./plan.ts";

/** What UpdateService with these members would do. */
export const planServiceUpdate: Operation<"PlanServiceUpdate"> = (context, input) => {
  const { minimumHealthyPercent, maximumPercent, ...update } = input;
  const deploymentConfiguration = { minimumHealthyPercent, maximumPercent };
  return planChange(context, {
    make: (tx) => {
      const at = deploymentAt({ clock: context.clock, random: planRandom() });
      const service = putUpdatedService(tx, context, { ...update, deploymentConfiguration }, at);
      return { services: [service.arn], notes: [] };
    },
  });
};
