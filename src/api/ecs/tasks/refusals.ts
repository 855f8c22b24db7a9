import type { RunTaskRequest, StartTaskRequest } from "@aws-sdk/client-ecs";
import type { RefusedMember } from "../../refused-member.ts";
import { NO_FARGATE_IN_STRATEGY } from "../capacity-providers/strategy-input.ts";
import type { RefusedMembers } from "../refuse.ts";

/** What RunTask and StartTask have in common. */
type LaunchWish = Pick<StartTaskRequest, keyof StartTaskRequest & keyof RunTaskRequest>;

const EC2_HINT = "Register container instances with the cluster and use launchType EC2.";
const NO_ROLES = "No credentials are made for tasks.";

const COMMON: readonly RefusedMember<LaunchWish>[] = [
  { member: "networkConfiguration", hint: "Use a task definition with networkMode bridge or host." },
  { member: "volumeConfigurations" },
  { member: "enableExecuteCommand", what: "true", when: ({ enableExecuteCommand: e }) => e === true },
  { member: "referenceId" },
  { member: "overrides.taskRoleArn", hint: NO_ROLES },
  { member: "overrides.executionRoleArn", hint: NO_ROLES },
  { member: "overrides.inferenceAcceleratorOverrides" },
  { member: "overrides.ephemeralStorage" },
  { member: "overrides.containerOverrides[].environmentFiles", hint: "Give the values in environment." },
  {
    member: "overrides.containerOverrides[].resourceRequirements[].type",
    what: "other than GPU",
    when: ({ overrides }) =>
      (overrides?.containerOverrides ?? []).some((o) => (o.resourceRequirements ?? []).some((r) => r.type !== "GPU")),
  },
];

export const RUN_TASK_REFUSED: RefusedMembers<"RunTask"> = [
  {
    member: "launchType",
    what: "other than EC2 and EXTERNAL",
    when: ({ launchType: l }) => l !== undefined && l !== "EC2" && l !== "EXTERNAL",
    hint: EC2_HINT,
  },
  NO_FARGATE_IN_STRATEGY,
  { member: "platformVersion", hint: EC2_HINT },
  ...COMMON,
];

export const START_TASK_REFUSED: RefusedMembers<"StartTask"> = COMMON;
