import type { DefinedInput } from "../defined-input.ts";
import type { ModelJson } from "../model-json.ts";
import type { ModelOperations, ModelValue } from "../model-types.ts";

/**
 * Berth's own API: what ECS has no operation for. Written by hand, in the form of the generated models; the types below
 * follow from it, so that shapes are listed once. docs/api.md is made from it and from berth-docs.ts.
 */
export const BERTH_MODEL = {
  name: "berth",
  signingName: "berth",
  protocol: "json",
  version: "2026-11-26",
  targetPrefix: "Berth_20261126",
  xmlNamespace: "",
  operations: {
    ExplainResource: {
      input: "ExplainResourceRequest",
      output: "ExplainResourceResponse",
      errors: ["ClusterNotFoundException", "InvalidParameterException", "ResourceNotFoundException"],
    },
    PlanServiceUpdate: {
      input: "PlanServiceUpdateRequest",
      output: "Plan",
      errors: [
        "ClientException",
        "ClusterNotFoundException",
        "InvalidParameterException",
        "ServiceNotActiveException",
        "ServiceNotFoundException",
      ],
    },
    PlanInstanceRemoval: {
      input: "PlanInstanceRemovalRequest",
      output: "Plan",
      errors: ["ClusterNotFoundException", "InvalidParameterException", "ResourceNotFoundException"],
    },
    PlanServiceRebalance: {
      input: "PlanServiceRebalanceRequest",
      output: "Plan",
      errors: [
        "ClusterNotFoundException",
        "InvalidParameterException",
        "ServiceNotActiveException",
        "ServiceNotFoundException",
      ],
    },
    DescribeTraffic: {
      input: "DescribeTrafficRequest",
      output: "DescribeTrafficResponse",
      errors: ["InvalidParameterException", "ResourceNotFoundException"],
    },
    ListBalancers: { input: "ListBalancersRequest", output: "ListBalancersResponse", errors: [] },
    RemoveBalancer: {
      input: "RemoveBalancerRequest",
      output: "RemoveBalancerResponse",
      errors: ["InvalidParameterException", "ResourceNotFoundException"],
    },
  },
  errors: {
    ClientException: { code: "ClientException", status: 400, shape: "Refusal" },
    ClusterNotFoundException: { code: "ClusterNotFoundException", status: 400, shape: "Refusal" },
    InvalidParameterException: { code: "InvalidParameterException", status: 400, shape: "Refusal" },
    ResourceNotFoundException: { code: "ResourceNotFoundException", status: 400, shape: "Refusal" },
    ServiceNotActiveException: { code: "ServiceNotActiveException", status: 400, shape: "Refusal" },
    ServiceNotFoundException: { code: "ServiceNotFoundException", status: 400, shape: "Refusal" },
  },
  shapes: {
    Refusal: { members: { message: "string" } },
    ExplainResourceRequest: { members: { cluster: "string", resource: "string" }, required: ["resource"] },
    ExplainResourceResponse: {
      members: {
        kind: "ResourceKind",
        arn: "string",
        state: "ResourceState",
        summary: "string",
        findings: "List<Finding>",
        fixes: "List<string>",
        instances: "List<InstanceFit>",
        logStreams: "List<LogStream>",
      },
      required: ["kind", "arn", "state", "summary", "findings", "fixes", "instances", "logStreams"],
    },
    ResourceKind: { enum: ["SERVICE", "DEPLOYMENT", "TASK"] },
    ResourceState: { enum: ["WELL", "MOVING", "WAITING", "FAILING", "ENDED"] },
    "List<Finding>": { list: "Finding" },
    Finding: { members: { code: "FindingCode", text: "string" }, required: ["code", "text"] },
    FindingCode: {
      enum: [
        "DELETED",
        "FAILED",
        "PLACEMENT",
        "THROTTLED",
        "HOST",
        "HEALTH",
        "LIMITS",
        "PROTECTED",
        "STARTING",
        "CHECKING",
        "PAUSED",
        "HOOK",
        "BAKING",
        "DRAINING",
        "REPLACING",
        "REBALANCING",
        "STOPPING",
        "STOPPED",
      ],
    },
    "List<string>": { list: "string" },
    "List<InstanceFit>": { list: "InstanceFit" },
    InstanceFit: {
      members: { containerInstanceArn: "string", host: "string", fits: "boolean", lacks: "List<string>" },
      required: ["containerInstanceArn", "host", "fits", "lacks"],
    },
    "List<LogStream>": { list: "LogStream" },
    LogStream: {
      members: { taskArn: "string", containerName: "string", logGroupName: "string", logStreamName: "string" },
      required: ["taskArn", "containerName", "logGroupName", "logStreamName"],
    },
    PlanServiceUpdateRequest: {
      members: {
        cluster: "string",
        service: "string",
        taskDefinition: "string",
        desiredCount: "integer",
        forceNewDeployment: "boolean",
        minimumHealthyPercent: "integer",
        maximumPercent: "integer",
      },
      required: ["service"],
    },
    PlanInstanceRemovalRequest: {
      members: { cluster: "string", containerInstances: "List<string>", manner: "RemovalManner" },
      required: ["containerInstances", "manner"],
    },
    PlanServiceRebalanceRequest: { members: { cluster: "string", service: "string" }, required: ["service"] },
    RemovalManner: { enum: ["DRAIN", "DEREGISTER"] },
    Plan: {
      members: {
        end: "PlanEnd",
        summary: "string",
        steps: "List<PlanStep>",
        hosts: "List<PlannedHost>",
        notes: "List<string>",
        findings: "List<Finding>",
        fixes: "List<string>",
        instances: "List<InstanceFit>",
      },
      required: ["end", "summary", "steps", "hosts", "notes", "findings", "fixes", "instances"],
    },
    PlanEnd: { enum: ["NOTHING_TO_DO", "COMPLETE", "STUCK", "CUT_OFF"] },
    "List<PlanStep>": { list: "PlanStep" },
    PlanStep: {
      members: { number: "integer", starts: "List<PlannedTasks>", stops: "List<PlannedTasks>" },
      required: ["number", "starts", "stops"],
    },
    "List<PlannedTasks>": { list: "PlannedTasks" },
    PlannedTasks: {
      members: {
        service: "string",
        taskDefinition: "string",
        containerInstanceArn: "string",
        host: "string",
        count: "integer",
      },
      required: ["service", "taskDefinition", "host", "count"],
    },
    "List<PlannedHost>": { list: "PlannedHost" },
    PlannedHost: {
      members: {
        containerInstanceArn: "string",
        host: "string",
        tasksBefore: "integer",
        tasksAfter: "integer",
        cpuLeft: "integer",
        memoryMiBLeft: "integer",
      },
      required: ["containerInstanceArn", "host", "tasksBefore", "tasksAfter", "cpuLeft", "memoryMiBLeft"],
    },
    DescribeTrafficRequest: { members: { loadBalancers: "List<string>", seconds: "integer" } },
    DescribeTrafficResponse: {
      members: { seconds: "integer", loadBalancers: "List<LoadBalancerTraffic>" },
      required: ["seconds", "loadBalancers"],
    },
    "List<LoadBalancerTraffic>": { list: "LoadBalancerTraffic" },
    LoadBalancerTraffic: {
      members: {
        name: "string",
        loadBalancerArn: "string",
        type: "string",
        figures: "TrafficFigures",
        listeners: "List<ListenerTraffic>",
        targetGroups: "List<TargetGroupTraffic>",
      },
      required: ["name", "loadBalancerArn", "type", "figures", "listeners", "targetGroups"],
    },
    "List<ListenerTraffic>": { list: "ListenerTraffic" },
    ListenerTraffic: {
      members: { listenerArn: "string", protocol: "string", port: "integer", figures: "TrafficFigures" },
      required: ["listenerArn", "protocol", "port", "figures"],
    },
    "List<TargetGroupTraffic>": { list: "TargetGroupTraffic" },
    TargetGroupTraffic: {
      members: {
        name: "string",
        targetGroupArn: "string",
        healthyTargets: "integer",
        unhealthyTargets: "integer",
        figures: "TrafficFigures",
        targets: "List<TargetTraffic>",
        targetsLeftOut: "integer",
      },
      required: [
        "name",
        "targetGroupArn",
        "healthyTargets",
        "unhealthyTargets",
        "figures",
        "targets",
        "targetsLeftOut",
      ],
    },
    "List<TargetTraffic>": { list: "TargetTraffic" },
    TargetTraffic: {
      members: { id: "string", port: "integer", taskArn: "string", health: "string", figures: "TrafficFigures" },
      required: ["id", "port", "health", "figures"],
    },
    TrafficFigures: {
      members: {
        requestsPerSecond: "double",
        connectionsPerSecond: "double",
        answers2xxPerSecond: "double",
        answers3xxPerSecond: "double",
        answers4xxPerSecond: "double",
        answers5xxPerSecond: "double",
        bytesInPerSecond: "double",
        bytesOutPerSecond: "double",
        connectionErrorsPerSecond: "double",
        responseTimeP50: "double",
        responseTimeP90: "double",
        responseTimeP99: "double",
        active: "integer",
      },
      required: [
        "requestsPerSecond",
        "connectionsPerSecond",
        "answers2xxPerSecond",
        "answers3xxPerSecond",
        "answers4xxPerSecond",
        "answers5xxPerSecond",
        "bytesInPerSecond",
        "bytesOutPerSecond",
        "connectionErrorsPerSecond",
        "active",
      ],
    },
    ListBalancersRequest: { members: {} },
    ListBalancersResponse: { members: { balancers: "List<Balancer>" }, required: ["balancers"] },
    "List<Balancer>": { list: "Balancer" },
    Balancer: {
      members: {
        name: "string",
        address: "string",
        connected: "boolean",
        connectedChangedAt: "timestamp",
        haproxyVersion: "string",
        failedListeners: "List<FailedListener>",
        unreachedTargets: "integer",
        problem: "string",
      },
      required: ["name", "address", "connected", "connectedChangedAt", "failedListeners", "unreachedTargets"],
    },
    "List<FailedListener>": { list: "FailedListener" },
    FailedListener: { members: { listenerArn: "string", error: "string" }, required: ["listenerArn", "error"] },
    RemoveBalancerRequest: { members: { name: "string", force: "boolean" }, required: ["name"] },
    RemoveBalancerResponse: { members: {} },
  },
} as const satisfies ModelJson;

/** Each operation's input and output. */
export type BerthOperations = {
  [K in keyof ModelOperations<typeof BERTH_MODEL>]: {
    input: DefinedInput<ModelOperations<typeof BERTH_MODEL>[K]["input"]>;
    output: ModelOperations<typeof BERTH_MODEL>[K]["output"];
  };
};

/** The value of one of the model's shapes, such as "Finding". */
export type BerthShape<Name extends keyof (typeof BERTH_MODEL)["shapes"]> = ModelValue<typeof BERTH_MODEL, Name>;

/** Every exception in the model. */
export type BerthErrorCode = keyof (typeof BERTH_MODEL)["errors"];
