/**
 * Amazon Resource Names, as ECS, ELBv2 and ACM write them (ECS: the long format, with the cluster's name in it).
 * One template per kind gives both the constructor and the parser, so that the two cannot disagree.
 */

declare const kind: unique symbol;

/** A string that was made or checked as an ARN of one kind. Only the functions below make one. */
export type Arn<Kind extends string> = string & { readonly [kind]: Kind };

export type ClusterArn = Arn<"Cluster">;
export type TaskArn = Arn<"Task">;
export type ContainerArn = Arn<"Container">;
export type TaskDefinitionArn = Arn<"TaskDefinition">;
export type ServiceArn = Arn<"Service">;
export type ContainerInstanceArn = Arn<"ContainerInstance">;
export type CapacityProviderArn = Arn<"CapacityProvider">;
export type TaskSetArn = Arn<"TaskSet">;
export type ServiceDeploymentArn = Arn<"ServiceDeployment">;
export type ServiceRevisionArn = Arn<"ServiceRevision">;
export type LoadBalancerArn = Arn<"LoadBalancer">;
export type TargetGroupArn = Arn<"TargetGroup">;
export type ListenerArn = Arn<"Listener">;
export type CertificateArn = Arn<"Certificate">;
export type ListenerRuleArn = Arn<"ListenerRule">;

/** Whose resource it is. `partition` is "aws" unless told otherwise; `accountId` has 12 digits. */
export interface ArnScope {
  readonly partition?: string;
  readonly region: string;
  readonly accountId: string;
}

/** The six parts of any ARN; `resource` is all that follows the fifth colon. */
export interface ArnParts {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  readonly accountId: string;
  readonly resource: string;
}

const ANY_ARN = /^arn:(aws[a-z0-9-]{0,32}):([a-z0-9-]{1,64}):([A-Za-z0-9-]{0,64}):(\d{12}|aws)?:([\x21-\x7e]{1,1024})$/;

/** Takes any service's ARN apart, or answers undefined for what is not an ARN at all. */
export function parseArn(text: string): ArnParts | undefined {
  const match = ANY_ARN.exec(text);
  if (match === null) return undefined;
  const [, partition = "", service = "", region = "", accountId = "", resource = ""] = match;
  return { partition, service, region, accountId, resource };
}

/** What each placeholder of a template may hold. */
const PARTS = {
  clusterName: "[A-Za-z0-9_-]{1,255}",
  serviceName: "[A-Za-z0-9_-]{1,255}",
  taskId: "[A-Za-z0-9-]{1,64}",
  containerId: "[A-Za-z0-9-]{1,64}",
  containerInstanceId: "[A-Za-z0-9-]{1,64}",
  family: "[A-Za-z0-9_-]{1,255}",
  revision: "[1-9][0-9]{0,9}",
  capacityProviderName: "[A-Za-z0-9_-]{1,255}",
  /** A deployment's identifier of the form `ecs-svc/<digits>`. */
  taskSetId: "ecs-svc/[0-9]{1,24}",
  serviceDeploymentId: "[A-Za-z0-9_-]{1,64}",
  serviceRevisionId: "[0-9]{1,24}",
  /** "app", "net" or "gwy": the ELBv2 name for application, network and gateway. */
  loadBalancerKind: "app|net|gwy",
  loadBalancerName: "[A-Za-z0-9-]{1,32}",
  loadBalancerId: "[0-9a-f]{16}",
  targetGroupName: "[A-Za-z0-9-]{1,32}",
  targetGroupId: "[0-9a-f]{16}",
  listenerId: "[0-9a-f]{16}",
  ruleId: "[0-9a-f]{16}",
  certificateId: "[A-Za-z0-9-]{1,64}",
} as const;

type Placeholders<Template extends string> = Template extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type Names<Template extends string> = { readonly [Name in Placeholders<Template>]: string };

/** What a parser answers: the ARN itself, now of its kind, the scope, and the template's names. */
export type ParsedArn<Kind extends string, Template extends string> = {
  readonly arn: Arn<Kind>;
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
} & Names<Template>;

function defineArn<Kind extends string, const Template extends string>(
  _kind: Kind,
  service: "ecs" | "elasticloadbalancing" | "acm",
  template: Template,
) {
  const pattern = template.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => `(?<${name}>${PARTS[name as keyof typeof PARTS]})`,
  );
  const matcher = new RegExp(`^${pattern}$`);

  const parse = (text: string): ParsedArn<Kind, Template> | undefined => {
    const parts = parseArn(text);
    if (parts === undefined || parts.service !== service || parts.region === "" || parts.accountId.length !== 12)
      return undefined;
    const names = matcher.exec(parts.resource)?.groups;
    if (names === undefined) return undefined;
    const { partition, region, accountId } = parts;
    return { arn: text as Arn<Kind>, partition, region, accountId, ...(names as Names<Template>) };
  };

  // "task/{clusterName}/{taskId}" as "task/", clusterName, "/", taskId, "": names are at the odd places.
  const pieces = template.split(/\{(\w+)\}/);
  const format = (scope: ArnScope, names: Names<Template>): Arn<Kind> => {
    let text = `arn:${scope.partition ?? "aws"}:${service}:${scope.region}:${scope.accountId}:`;
    for (let i = 0; i < pieces.length; i++) text += i % 2 === 0 ? pieces[i] : names[pieces[i] as keyof Names<Template>];
    if (parse(text) === undefined) throw new RangeError(`not a well-formed ARN: ${text}`);
    return text as Arn<Kind>;
  };
  return { parse, format };
}

const cluster = defineArn("Cluster", "ecs", "cluster/{clusterName}");
const task = defineArn("Task", "ecs", "task/{clusterName}/{taskId}");
const container = defineArn("Container", "ecs", "container/{clusterName}/{taskId}/{containerId}");
const taskDefinition = defineArn("TaskDefinition", "ecs", "task-definition/{family}:{revision}");
const service = defineArn("Service", "ecs", "service/{clusterName}/{serviceName}");
const containerInstance = defineArn(
  "ContainerInstance",
  "ecs",
  "container-instance/{clusterName}/{containerInstanceId}",
);
const capacityProvider = defineArn("CapacityProvider", "ecs", "capacity-provider/{capacityProviderName}");
const taskSet = defineArn("TaskSet", "ecs", "task-set/{clusterName}/{serviceName}/{taskSetId}");
const serviceDeployment = defineArn(
  "ServiceDeployment",
  "ecs",
  "service-deployment/{clusterName}/{serviceName}/{serviceDeploymentId}",
);
const serviceRevision = defineArn(
  "ServiceRevision",
  "ecs",
  "service-revision/{clusterName}/{serviceName}/{serviceRevisionId}",
);
const loadBalancer = defineArn(
  "LoadBalancer",
  "elasticloadbalancing",
  "loadbalancer/{loadBalancerKind}/{loadBalancerName}/{loadBalancerId}",
);
const targetGroup = defineArn("TargetGroup", "elasticloadbalancing", "targetgroup/{targetGroupName}/{targetGroupId}");
const listener = defineArn(
  "Listener",
  "elasticloadbalancing",
  "listener/{loadBalancerKind}/{loadBalancerName}/{loadBalancerId}/{listenerId}",
);
const listenerRule = defineArn(
  "ListenerRule",
  "elasticloadbalancing",
  "listener-rule/{loadBalancerKind}/{loadBalancerName}/{loadBalancerId}/{listenerId}/{ruleId}",
);

const certificate = defineArn("Certificate", "acm", "certificate/{certificateId}");

// Each constructor takes the scope and the template's names, and throws RangeError on a part that its place cannot hold:
// names must have been validated before. Each parser answers undefined for anything that is not an ARN of its kind.

export const clusterArn = cluster.format;
export const parseClusterArn = cluster.parse;
export const taskArn = task.format;
export const parseTaskArn = task.parse;
export const containerArn = container.format;
export const parseContainerArn = container.parse;
export const serviceArn = service.format;
export const parseServiceArn = service.parse;
export const containerInstanceArn = containerInstance.format;
export const parseContainerInstanceArn = containerInstance.parse;
export const capacityProviderArn = capacityProvider.format;
export const parseCapacityProviderArn = capacityProvider.parse;
export const taskSetArn = taskSet.format;
export const parseTaskSetArn = taskSet.parse;
export const serviceDeploymentArn = serviceDeployment.format;
export const parseServiceDeploymentArn = serviceDeployment.parse;
export const serviceRevisionArn = serviceRevision.format;
export const parseServiceRevisionArn = serviceRevision.parse;
export const loadBalancerArn = loadBalancer.format;
export const parseLoadBalancerArn = loadBalancer.parse;
export const targetGroupArn = targetGroup.format;
export const parseTargetGroupArn = targetGroup.parse;
export const listenerArn = listener.format;
export const parseListenerArn = listener.parse;
export const listenerRuleArn = listenerRule.format;
export const certificateArn = certificate.format;
export const parseCertificateArn = certificate.parse;
export const parseListenerRuleArn = listenerRule.parse;

/** The ARN of one revision of a family; `revision` is a whole number from 1. */
export function taskDefinitionArn(scope: ArnScope, names: { family: string; revision: number }): TaskDefinitionArn {
  return taskDefinition.format(scope, { family: names.family, revision: String(names.revision) });
}

/** Like the other parsers; `revision` is a number. */
export function parseTaskDefinitionArn(text: string) {
  const parsed = taskDefinition.parse(text);
  return parsed && { ...parsed, revision: Number(parsed.revision) };
}
