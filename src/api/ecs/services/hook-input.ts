import type { DeploymentLifecycleHook } from "@aws-sdk/client-ecs";
import type { LifecycleHook } from "../../../model/traffic-shift.ts";
import type { BerthView } from "../../../store/index.ts";
import type { AccountScope } from "../../context.ts";
import { isGiven } from "../../refused-member.ts";
import { invalidParameter, notCarriedOut } from "../errors.ts";
import { resolveActiveTaskDefinition } from "../resolve.ts";
import { refusalOfTaskDefinition } from "../task-definitions/launch-refusals.ts";

/** Our limit: each of them may run in each stage and step, and is kept. */
const MAX_HOOKS = 20;
/** Of hookDetails, as JSON: a task gets them in its environment. Our limit, as that of overrides. */
const MAX_DETAILS = 4096;
/** Source: ECS developer guide, pause lifecycle hooks. */
const TIMEOUT = { max: 20_160, default: 1440 };
const NO_PAUSE: readonly string[] = ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"];
const TASK_DEFINITION = /^arn:[^:]+:ecs:[^:]*:[^:]*:task-definition\//;

/**
 * The lifecycle hooks as a service's record keeps them. A hook pauses, or runs the task definition that its hookTargetArn is the
 * ARN of. Throws InvalidParameterException, and ClientException for a task definition that is not there. See docs/decisions/.
 */
export function hooksOf(
  tables: Pick<BerthView, "taskDefinitions" | "taskDefinitionFamilies">,
  scope: AccountScope,
  given: readonly DeploymentLifecycleHook[] | undefined,
): readonly LifecycleHook[] | undefined {
  if (given === undefined) return undefined;
  if (given.length > MAX_HOOKS) throw invalidParameter(`lifecycleHooks can have at most ${MAX_HOOKS} items.`);
  return given.map((hook) => {
    const { targetType = "AWS_LAMBDA", lifecycleStages: stages = [] } = hook;
    if (stages.length === 0) throw invalidParameter("lifecycleStages of a lifecycle hook cannot be empty.");
    if (new Set(stages).size < stages.length) throw invalidParameter("A lifecycle hook names a lifecycle stage twice.");
    const common = { targetType, stages, ...timeoutOf(hook) };
    return targetType === "PAUSE" ? pauseOf(hook, common) : taskOf(tables, scope, hook, common);
  });
}

type Common = Pick<LifecycleHook, "targetType" | "stages" | "timeoutMinutes" | "timeoutAction">;

function timeoutOf({ timeoutConfiguration }: DeploymentLifecycleHook) {
  const { timeoutInMinutes = TIMEOUT.default, action = "ROLLBACK" } = timeoutConfiguration ?? {};
  if (timeoutInMinutes < 1 || timeoutInMinutes > TIMEOUT.max) {
    throw invalidParameter(`timeoutInMinutes must be between 1 and ${TIMEOUT.max}.`);
  }
  return { timeoutMinutes: timeoutInMinutes, timeoutAction: action };
}

function pauseOf(hook: DeploymentLifecycleHook, common: Common): LifecycleHook {
  for (const member of ["hookTargetArn", "roleArn", "hookDetails"] as const) {
    if (isGiven(hook[member])) throw invalidParameter(`${member} is not supported for lifecycle hooks of type PAUSE.`);
  }
  const wrong = common.stages.find((stage) => NO_PAUSE.includes(stage));
  if (wrong !== undefined) throw invalidParameter(`Lifecycle hooks of type PAUSE are not supported at ${wrong}.`);
  return common;
}

function taskOf(
  tables: Pick<BerthView, "taskDefinitions" | "taskDefinitionFamilies">,
  scope: AccountScope,
  { hookTargetArn = "", roleArn, hookDetails }: DeploymentLifecycleHook,
  common: Common,
): LifecycleHook {
  if (hookTargetArn === "") throw invalidParameter("A lifecycle hook that does not PAUSE needs a hookTargetArn.");
  if (!TASK_DEFINITION.test(hookTargetArn)) {
    throw notCarriedOut(
      "deploymentConfiguration.lifecycleHooks[].hookTargetArn other than the ARN of a task definition",
      "There are no Lambda functions: give the ARN of a task definition, which is run once, or use targetType PAUSE.",
    );
  }
  const definition = resolveActiveTaskDefinition(tables, scope, hookTargetArn);
  const refusal = refusalOfTaskDefinition(definition.definition, ["EC2"]);
  if (refusal !== undefined) throw invalidParameter(refusal);
  if (JSON.stringify(hookDetails ?? null).length > MAX_DETAILS) {
    throw invalidParameter(`hookDetails can have at most ${MAX_DETAILS} characters as JSON.`);
  }
  return {
    ...common,
    taskDefinitionArn: definition.arn,
    ...(roleArn === undefined ? {} : { roleArn }),
    ...(hookDetails === undefined ? {} : { hookDetails }),
  };
}
