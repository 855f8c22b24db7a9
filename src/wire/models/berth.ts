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
  },
  errors: {
    ClusterNotFoundException: { code: "ClusterNotFoundException", status: 400, shape: "Refusal" },
    InvalidParameterException: { code: "InvalidParameterException", status: 400, shape: "Refusal" },
    ResourceNotFoundException: { code: "ResourceNotFoundException", status: 400, shape: "Refusal" },
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
        "DRAINING",
        "REPLACING",
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
      members: { containerName: "string", logGroupName: "string", logStreamName: "string" },
      required: ["containerName", "logGroupName", "logStreamName"],
    },
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
