import type { BERTH_MODEL } from "./berth.ts";

type Shapes = (typeof BERTH_MODEL)["shapes"];
/** "Structure.member" for every member of the model. */
type MemberName = {
  [S in keyof Shapes & string]: Shapes[S] extends { readonly members: infer M } ? `${S}.${keyof M & string}` : never;
}[keyof Shapes & string];
/** "Enum.VALUE" for every value of the model's enums. */
type ValueName = {
  [S in keyof Shapes & string]: Shapes[S] extends { readonly enum: readonly (infer V extends string)[] }
    ? `${S}.${V}`
    : never;
}[keyof Shapes & string];

/** What each operation of Berth's own API does. */
export const BERTH_OPERATION_DOCS: Readonly<Record<keyof (typeof BERTH_MODEL)["operations"], string>> = {
  DescribeTraffic:
    "Says what load balancers carry now: their listeners, their target groups and each target. What is counted is exact; response times are those of a fraction of the answers at high rates.",
  ExplainResource:
    "Says why a service, a deployment or a task is as it is: whether it is as it was asked for, and if not, what it waits for or how it failed, and what helps.",
  PlanServiceUpdate:
    "Says what UpdateService with these members would do: which tasks would start where, which would stop, in how many steps, and what would not fit. Nothing is changed.",
  PlanServiceRebalance:
    "Says how a service's tasks would be evened out over zones and hosts, as they are after a host has joined. Nothing is changed.",
  PlanInstanceRemoval:
    "Says what would happen to the services' tasks if container instances were set to DRAINING, or deregistered by force. Nothing is changed.",
  ListBalancers:
    "Lists the balancers: the processes that carry all load balancers, each on its host. The server's own HAProxy is the one named `server`.",
  RemoveBalancer:
    "Forgets a balancer that will not come back: nothing waits for it any more, and its address is told no more. One that is connected is not removed without `force`.",
};

/** What each member means. */
export const BERTH_MEMBER_DOCS: Readonly<Record<MemberName, string>> = {
  "DescribeTrafficRequest.loadBalancers": "Names or ARNs, 20 at most; all, 100 at most, by name, if left out.",
  "DescribeTrafficRequest.seconds": "Over how many seconds, 1 to 170; 10 if left out.",
  "DescribeTrafficResponse.seconds":
    "Over how many seconds the figures are. The second that is under way is none of them.",
  "DescribeTrafficResponse.loadBalancers": "By name.",
  "LoadBalancerTraffic.name": "Its name.",
  "LoadBalancerTraffic.loadBalancerArn": "Its ARN.",
  "LoadBalancerTraffic.type": "`application` or `network`.",
  "LoadBalancerTraffic.figures": "Those of all its listeners together.",
  "LoadBalancerTraffic.listeners": "By port.",
  "LoadBalancerTraffic.targetGroups": "Those that its listeners and rules forward to, by name.",
  "ListenerTraffic.listenerArn": "Its ARN.",
  "ListenerTraffic.protocol": "Its protocol.",
  "ListenerTraffic.port": "Its port.",
  "ListenerTraffic.figures":
    "What its clients sent and were answered, whoever made the answer; `active` are clients' connections.",
  "TargetGroupTraffic.name": "Its name.",
  "TargetGroupTraffic.targetGroupArn": "Its ARN.",
  "TargetGroupTraffic.healthyTargets": "Targets that are healthy, or whose health is not checked.",
  "TargetGroupTraffic.unhealthyTargets": "Targets that are unhealthy. Those that are new or leave are neither.",
  "TargetGroupTraffic.figures":
    "What it was to answer and what became of that, also where the load balancer had to answer for it.",
  "TargetGroupTraffic.targets": "At most 100, the busiest first.",
  "TargetGroupTraffic.targetsLeftOut": "How many targets more there are.",
  "TargetTraffic.id": "As it was registered.",
  "TargetTraffic.port": "Its port.",
  "TargetTraffic.taskArn": "The task that a service registered it for.",
  "TargetTraffic.health": "Its state, as DescribeTargetHealth has it.",
  "TargetTraffic.figures": "What it answered.",
  "TrafficFigures.requestsPerSecond": "HTTP requests.",
  "TrafficFigures.connectionsPerSecond":
    "New connections: clients' of a listener; of a target group or target only where it carries TCP.",
  "TrafficFigures.answers2xxPerSecond": "Answers with a status from 200 to 299.",
  "TrafficFigures.answers3xxPerSecond": "Answers with a status from 300 to 399.",
  "TrafficFigures.answers4xxPerSecond": "Answers with a status from 400 to 499.",
  "TrafficFigures.answers5xxPerSecond": "Answers with a status from 500 to 599.",
  "TrafficFigures.bytesInPerSecond": "Bytes from clients.",
  "TrafficFigures.bytesOutPerSecond": "Bytes to clients.",
  "TrafficFigures.connectionErrorsPerSecond": "Attempts to connect to a target that failed.",
  "TrafficFigures.responseTimeP50":
    "In seconds: half of the targets' answers came within it, from the request to the answer's headers. Absent without answers.",
  "TrafficFigures.responseTimeP90": "The same of nine in ten answers.",
  "TrafficFigures.responseTimeP99": "The same of 99 in 100 answers.",
  "TrafficFigures.active": "Requests, or connections where TCP is carried, under way now.",
  "Refusal.message": "What is wrong, in words.",
  "ExplainResourceRequest.cluster": "Name or ARN; `default` if left out.",
  "ExplainResourceRequest.resource":
    "A service's name, a task's id, a deployment's id (`ecs-svc/…`), or the ARN of a service, a service deployment or a task. A service's name comes first.",
  "ExplainResourceResponse.kind": "What was found under that name.",
  "ExplainResourceResponse.arn": "Its ARN; of a deployment its id.",
  "ExplainResourceResponse.state": "How it is, in one word.",
  "ExplainResourceResponse.summary": "How it is and why, in one sentence.",
  "ExplainResourceResponse.findings": "All that was found, the most important first; the summary has the first in it.",
  "ExplainResourceResponse.fixes": "What helps, the smallest change first.",
  "ExplainResourceResponse.instances":
    "Where tasks fit nowhere: the cluster's container instances, the nearest to a fit first, at most 100.",
  "ExplainResourceResponse.logStreams":
    "Where GetLogEvents has what the task's containers wrote; of a service or a deployment that fails, those of the task that failed last.",
  "Finding.code": "What kind of thing it is.",
  "Finding.text": "Words for people: they may change from release to release.",
  "InstanceFit.containerInstanceArn": "Its ARN.",
  "InstanceFit.host": "What a person calls it: the name it was added under, else its instance id.",
  "InstanceFit.fits": "Whether it can take such a task now.",
  "InstanceFit.lacks": "All that it lacks for that, not only the first thing.",
  "LogStream.taskArn": "Whose it is.",
  "LogStream.containerName": "The container.",
  "LogStream.logGroupName": "For GetLogEvents.",
  "LogStream.logStreamName": "For GetLogEvents.",
  "PlanServiceUpdateRequest.cluster": "Name or ARN; `default` if left out.",
  "PlanServiceUpdateRequest.service": "Name or ARN.",
  "PlanServiceUpdateRequest.taskDefinition": "As in UpdateService.",
  "PlanServiceUpdateRequest.desiredCount": "As in UpdateService.",
  "PlanServiceUpdateRequest.forceNewDeployment": "As in UpdateService.",
  "PlanServiceUpdateRequest.minimumHealthyPercent": "As in UpdateService's deploymentConfiguration.",
  "PlanServiceUpdateRequest.maximumPercent": "As in UpdateService's deploymentConfiguration.",
  "PlanServiceRebalanceRequest.cluster": "Name or ARN; `default` if left out.",
  "PlanServiceRebalanceRequest.service": "Name or ARN.",
  "PlanInstanceRemovalRequest.cluster": "Name or ARN; `default` if left out.",
  "PlanInstanceRemovalRequest.containerInstances": "1 to 10 of them: ids, ARNs, or the names of hosts.",
  "PlanInstanceRemovalRequest.manner": "How they would leave.",
  "Plan.end": "How it would end.",
  "Plan.summary": "What would happen, in one sentence.",
  "Plan.steps": "At most 100. A step ends when what it started is healthy and what it stopped is gone.",
  "Plan.hosts": "The hosts on which something would change, and how they would be at the end.",
  "Plan.notes": "What else is to be known.",
  "Plan.findings": "What would stand in the way at the end, the most important first.",
  "Plan.fixes": "What helps against it, the smallest change first.",
  "Plan.instances":
    "Where tasks would fit nowhere: the cluster's container instances, the nearest to a fit first, at most 100.",
  "ListBalancersResponse.balancers": "At most 32, in the order of their names.",
  "Balancer.name": "What it was given as `--name`, else its host's name.",
  "Balancer.address": "Where clients reach it.",
  "Balancer.connected":
    "Whether its session with the control plane is open. One that is cut off carries on what it was told last.",
  "Balancer.connectedChangedAt": "When that changed.",
  "Balancer.haproxyVersion": "While it is connected: the version of its HAProxy.",
  "Balancer.failedListeners": "While it is connected: listeners that it could not open, and why.",
  "Balancer.unreachedTargets":
    "While it is connected: how many targets are unhealthy to it that are healthy by the others' word. It sends them nothing.",
  "Balancer.problem": "While it is connected: what keeps its HAProxy from what is wanted, in words.",
  "FailedListener.listenerArn": "Whose port could not be had there.",
  "FailedListener.error": "Why, in words.",
  "RemoveBalancerRequest.name": "Its name.",
  "RemoveBalancerRequest.force":
    "Also while it is connected: its session is ended. It is known again as soon as it comes back.",
  "PlanStep.number": "1 for the first.",
  "PlanStep.starts": "Tasks that would start.",
  "PlanStep.stops": "Tasks that would stop.",
  "PlannedTasks.service": "The service's name.",
  "PlannedTasks.taskDefinition": "`family:revision`.",
  "PlannedTasks.containerInstanceArn": "Where; absent for a task that has no place.",
  "PlannedTasks.host": "What a person calls it.",
  "PlannedTasks.count": "How many of them.",
  "PlannedHost.containerInstanceArn": "Its ARN.",
  "PlannedHost.host": "What a person calls it.",
  "PlannedHost.tasksBefore": "Tasks that are to run there now.",
  "PlannedHost.tasksAfter": "Tasks that would be to run there at the end.",
  "PlannedHost.cpuLeft": "CPU units that would be left at the end.",
  "PlannedHost.memoryMiBLeft": "MiB of memory that would be left at the end.",
};

/** What each value of an enum means. */
export const BERTH_VALUE_DOCS: Readonly<Record<ValueName, string>> = {
  "ResourceKind.SERVICE": "A service.",
  "ResourceKind.DEPLOYMENT": "One of a service's deployments.",
  "ResourceKind.TASK": "A task.",
  "ResourceState.WELL": "As it was asked for.",
  "ResourceState.MOVING": "On its way to it, and nothing is in its way.",
  "ResourceState.WAITING": "Something is in its way that it cannot mend itself.",
  "ResourceState.FAILING": "It fails.",
  "ResourceState.ENDED": "It is over, as somebody wished.",
  "RemovalManner.DRAIN": "Set to DRAINING: services replace their tasks there within their limits.",
  "RemovalManner.DEREGISTER": "Deregistered by force, or lost: all tasks there are over at once.",
  "PlanEnd.NOTHING_TO_DO": "Nothing would start or stop, and nothing is in the way.",
  "PlanEnd.COMPLETE": "Every service would be as it should be.",
  "PlanEnd.STUCK": "It would not go on by itself: `findings` say why.",
  "PlanEnd.CUT_OFF": "There are more steps than are worked out.",
  "FindingCode.DELETED": "The service is being deleted.",
  "FindingCode.FAILED": "A deployment has failed.",
  "FindingCode.PLACEMENT": "No instance has what tasks need.",
  "FindingCode.THROTTLED": "Tasks fail one after the other, and are started later and later.",
  "FindingCode.HOST": "A host is not heard from, or gone.",
  "FindingCode.HEALTH": "A task is unhealthy.",
  "FindingCode.LIMITS": "minimumHealthyPercent and maximumPercent allow nothing.",
  "FindingCode.PROTECTED": "Protection from scale-in keeps tasks.",
  "FindingCode.STARTING": "Tasks are being started.",
  "FindingCode.CHECKING": "Tasks run and have yet to pass their health checks.",
  "FindingCode.PAUSED": "A deployment waits at a PAUSE hook, for ContinueServiceDeployment.",
  "FindingCode.HOOK": "A deployment waits for the task that a lifecycle hook runs.",
  "FindingCode.BAKING": "A deployment that shifts traffic waits for the end of a bake time.",
  "FindingCode.DRAINING": "Tasks are on a DRAINING container instance.",
  "FindingCode.REPLACING": "Tasks of an earlier deployment are still there.",
  "FindingCode.REBALANCING": "Tasks are moved, or will be, to even them out over zones and hosts.",
  "FindingCode.STOPPING": "Tasks are being stopped.",
  "FindingCode.STOPPED": "Why a task, or a container of it, ended.",
};
