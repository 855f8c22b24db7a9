import * as acm from "@aws-sdk/client-acm";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as ecs from "@aws-sdk/client-ecs";
import * as elbv2 from "@aws-sdk/client-elastic-load-balancing-v2";
import { type Declarations, readDeclarations } from "./declarations.ts";
import { buildDocumentation } from "./documentation.ts";
import { buildModel, type ServiceFacts } from "./model.ts";
import { readSdk, type SdkService } from "./schema.ts";
import { buildTypes } from "./types.ts";

interface Source {
  readonly facts: ServiceFacts;
  readonly packageName: string;
  readonly clientName: string;
  readonly module: Readonly<Record<string, unknown>>;
  readonly typePrefix: string;
  /** The operations to take, where most of a service is of no concern to an orchestrator; absent for all. */
  readonly only?: readonly string[];
}

const SOURCES: readonly Source[] = [
  {
    facts: { name: "ecs", signingName: "ecs", protocol: "json" },
    packageName: "@aws-sdk/client-ecs",
    clientName: "ECSClient",
    module: ecs,
    typePrefix: "Ecs",
  },
  {
    facts: { name: "elbv2", signingName: "elasticloadbalancing", protocol: "query" },
    packageName: "@aws-sdk/client-elastic-load-balancing-v2",
    clientName: "ElasticLoadBalancingV2Client",
    module: elbv2,
    typePrefix: "ElbV2",
  },
  {
    facts: { name: "acm", signingName: "acm", protocol: "json" },
    packageName: "@aws-sdk/client-acm",
    clientName: "ACMClient",
    module: acm,
    typePrefix: "Acm",
    only: [
      "AddTagsToCertificate",
      "DeleteCertificate",
      "DescribeCertificate",
      "GetCertificate",
      "ImportCertificate",
      "ListCertificates",
      "ListTagsForCertificate",
      "RemoveTagsFromCertificate",
      "RenewCertificate",
      "RequestCertificate",
      "ResendValidationEmail",
      "UpdateCertificateOptions",
    ],
  },
  {
    facts: { name: "cloudwatch", signingName: "monitoring", protocol: "query", alsoRpc: true },
    packageName: "@aws-sdk/client-cloudwatch",
    clientName: "CloudWatchClient",
    module: cloudwatch,
    typePrefix: "CloudWatch",
    only: ["GetMetricData", "GetMetricStatistics", "ListMetrics"],
  },
  {
    facts: { name: "logs", signingName: "logs", protocol: "json" },
    packageName: "@aws-sdk/client-cloudwatch-logs",
    clientName: "CloudWatchLogsClient",
    module: logs,
    typePrefix: "Logs",
    only: [
      "CreateLogGroup",
      "CreateLogStream",
      "DeleteLogGroup",
      "DeleteLogStream",
      "DeleteRetentionPolicy",
      "DescribeLogGroups",
      "DescribeLogStreams",
      "FilterLogEvents",
      "GetLogEvents",
      "ListTagsForResource",
      "PutLogEvents",
      "PutRetentionPolicy",
      "TagResource",
      "UntagResource",
    ],
  },
];

/** Every generated file: its name in src/wire/models and its text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { facts, packageName, clientName, module, typePrefix, only } of SOURCES) {
    const sdk = readSdk(module, clientName);
    const declarations = readDeclarations(packageName, new Set(sdk.enums.keys()));
    const model = buildModel(facts, only === undefined ? sdk : restrict(sdk, declarations, only), declarations);
    files.set(`${facts.name}.json`, lines(model));
    files.set(`${facts.name}.docs.json`, lines(buildDocumentation(model, declarations)));
    files.set(`${facts.name}.ts`, buildTypes(model, packageName, typePrefix));
  }
  return files;
}

/** The service with those operations and the errors that they list. */
function restrict(sdk: SdkService, declarations: Declarations, only: readonly string[]): SdkService {
  const errors = new Set(only.flatMap((name) => declarations.operations.get(name)?.errors ?? []));
  return {
    ...sdk,
    operations: new Map([...sdk.operations].filter(([name]) => only.includes(name))),
    errors: new Map([...sdk.errors].filter(([name]) => errors.has(name))),
  };
}

/** JSON with one line per entry of each part, so that an SDK upgrade reads well as a diff. */
function lines(value: object): string {
  const parts = Object.entries(value).map(([key, part]) => {
    if (typeof part !== "object") return `${JSON.stringify(key)}:${JSON.stringify(part)}`;
    const entries = Object.entries(part as object).map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`);
    return `${JSON.stringify(key)}:{\n${entries.join(",\n")}\n}`;
  });
  return `{\n${parts.join(",\n")}\n}\n`;
}
