import type { CreateServiceRequest, UpdateServiceRequest } from "@aws-sdk/client-ecs";
import type { RefusedMember } from "../../refused-member.ts";
import { NO_FARGATE_IN_STRATEGY } from "../capacity-providers/strategy-input.ts";
import type { RefusedMembers } from "../refuse.ts";

/** What CreateService and UpdateService have in common. */
type ServiceWish = Pick<UpdateServiceRequest, keyof UpdateServiceRequest & keyof CreateServiceRequest>;

const EC2_HINT = "Register container instances with the cluster and use launchType EC2.";

const COMMON: readonly RefusedMember<ServiceWish>[] = [
  NO_FARGATE_IN_STRATEGY,
  { member: "networkConfiguration", hint: "Use a task definition with networkMode bridge or host." },
  { member: "platformVersion", hint: EC2_HINT },
  { member: "serviceRegistries" },
  {
    member: "serviceConnectConfiguration",
    what: "with enabled true",
    when: ({ serviceConnectConfiguration: c }) => c?.enabled === true,
  },
  { member: "volumeConfigurations" },
  { member: "vpcLatticeConfigurations" },
  { member: "gatewayConnectors" },
  { member: "monitoring" },
  { member: "enableExecuteCommand", what: "true", when: ({ enableExecuteCommand: e }) => e === true },
  {
    member: "deploymentController.type",
    what: "CODE_DEPLOY",
    when: ({ deploymentController: c }) => c?.type === "CODE_DEPLOY",
    hint: "Use ECS, or EXTERNAL with task sets.",
  },
  {
    member: "deploymentConfiguration.alarms",
    what: "with enable true",
    when: ({ deploymentConfiguration: d }) => d?.alarms?.enable === true,
  },
  {
    member: "deploymentConfiguration.bakeTimeInMinutes",
    what: "above 0 with the strategy ROLLING",
    when: ({ deploymentConfiguration: d }) => d?.strategy === "ROLLING" && (d.bakeTimeInMinutes ?? 0) > 0,
  },
  {
    member: "deploymentConfiguration.lifecycleHooks",
    what: "with the strategy ROLLING",
    when: ({ deploymentConfiguration: d }) => d?.strategy === "ROLLING" && (d.lifecycleHooks ?? []).length > 0,
  },
  {
    member: "deploymentConfiguration.lifecycleHooks[].hookTargetArn",
    what: "of a Lambda function",
    when: ({ deploymentConfiguration: d }) =>
      (d?.lifecycleHooks ?? []).some((hook) => hook.hookTargetArn?.includes(":lambda:") === true),
    hint: "Give the ARN of a task definition, which is run once, or use targetType PAUSE.",
  },
  {
    member: "deploymentConfiguration.earlySuccessCriteria",
    what: "with enable true",
    when: ({ deploymentConfiguration: d }) => d?.earlySuccessCriteria?.enable === true,
  },
  {
    member: "loadBalancers[].loadBalancerName",
    hint: "Give a targetGroupArn: Classic Load Balancers are not served.",
  },
];

export const CREATE_SERVICE_REFUSED: RefusedMembers<"CreateService"> = [
  {
    member: "launchType",
    what: "other than EC2",
    when: ({ launchType: l }) => l !== undefined && l !== "EC2",
    hint: EC2_HINT,
  },
  { member: "role" },
  ...COMMON,
];

export const UPDATE_SERVICE_REFUSED: RefusedMembers<"UpdateService"> = COMMON;
