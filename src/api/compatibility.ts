import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { METRICS } from "../telemetry/index.ts";
import { acmModel, cloudWatchModel, ecsModel, elbv2Model, logsModel, type ServiceModel } from "../wire/model.ts";
import { acmOperations, REQUEST_CERTIFICATE_REFUSED } from "./acm/index.ts";
import { cloudWatchOperations } from "./cloudwatch/index.ts";
import { ecsOperations, ecsRefusedMembers, TASK_DEFINITION_REFUSED } from "./ecs/index.ts";
import { elbV2Operations, elbV2RefusedMembers } from "./elbv2/index.ts";
import { logsOperations } from "./logs/index.ts";
import { nameOf } from "./refused-member.ts";

interface RefusedRow {
  readonly member: string;
  readonly what?: string;
  readonly hint?: string;
}

/** What one service serves, as its own tables have it. */
interface ServedService {
  readonly title: string;
  readonly model: ServiceModel;
  readonly carriedOut: ReadonlySet<string>;
  readonly refused: Readonly<Record<string, readonly RefusedRow[] | undefined>>;
  /** What comes after the operations. */
  readonly notes: readonly string[];
}

const HEAD = `# Compatibility

What Berth carries out of the AWS APIs that it serves, written by \`node scripts/compatibility.ts\` from the tables that the code itself
refuses by; a test fails when this page is not what they say. What is carried out takes every member of AWS's input but those listed.

What is not carried out is refused by name and never ignored: an operation as
[decisions/003-operations-not-carried-out.md](decisions/003-operations-not-carried-out.md) says, a member with \`InvalidParameterException\` (ELBv2: \`ValidationError\`).
`;

/** The page docs/compatibility.md. */
export function compatibilityPage(): string {
  return [HEAD, ...[ecs(), elbv2(), acm(), cloudWatch(), logs()].map(section)].join("\n");
}

function ecs(): ServedService {
  return {
    title: "Amazon ECS",
    model: ecsModel(),
    carriedOut: new Set(Object.keys(ecsOperations)),
    refused: ecsRefusedMembers,
    notes: [
      "### Task definitions",
      "",
      "RegisterTaskDefinition accepts, checks and shows all that ECS does. RunTask, StartTask, CreateService and UpdateService refuse a",
      "task definition that asks for one of these:",
      "",
      ...TASK_DEFINITION_REFUSED.map(line),
      "",
    ],
  };
}

function elbv2(): ServedService {
  return {
    title: "Elastic Load Balancing v2",
    model: elbv2Model(),
    carriedOut: new Set(Object.keys(elbV2Operations)),
    refused: elbV2RefusedMembers,
    notes: [],
  };
}

function acm(): ServedService {
  return {
    title: "Certificate Manager",
    model: acmModel(),
    carriedOut: new Set(Object.keys(acmOperations)),
    refused: { RequestCertificate: REQUEST_CERTIFICATE_REFUSED },
    notes: [
      "RequestCertificate: local names (`localhost`, names without a dot, and what ends in `.localhost`, `.local`, `.test`, `.internal` or",
      "`.home.arpa`) are issued at once by an authority of the server's own, type `PRIVATE`; `CertificateChain` of GetCertificate is its root.",
      "Others are issued by the ACME server of `--acme-directory`, type `AMAZON_ISSUED`, as are local ones when there is such a server and",
      "the call has a `ValidationMethod`. `HTTP` is ACME's HTTP-01, answered by the load balancers, and what holds when no method is given; `DNS` is",
      "DNS-01: where ACM asks for a CNAME record that stays, `--dns-hook` sets a TXT record for each order, which DescribeCertificate shows while the",
      "order is under way. `FailureReason` and `RenewalStatusReason` are ACM's word, a colon and what happened, and are there while a request",
      "still waits. An expired certificate is renewed, too. RenewCertificate renews any requested certificate at once.",
      "",
      "ListCertificates refuses the filters `Includes.keyUsage`, `Includes.managedBy`, `Includes.exportOption` and",
      "`CertificateKeyPairOrigins`. GetCertificate never shows a private key.",
      "",
    ],
  };
}

function cloudWatch(): ServedService {
  return {
    title: "CloudWatch",
    model: cloudWatchModel(),
    carriedOut: new Set(Object.keys(cloudWatchOperations)),
    refused: {},
    notes: [
      "Metrics are those of load balancers, without the dimension AvailabilityZone, of the last three hours since the server started; periods below 60",
      "seconds of the last three minutes. What is counted has the statistic Sum alone. Spoken as AWS Query, AWS JSON 1.0 and Smithy RPC v2 CBOR, as older and",
      "newer SDKs do.",
      "",
      ...Object.entries(METRICS).map(([namespace, metrics]) => `- ${namespace}: ${Object.keys(metrics).join(", ")}`),
      "",
      "Refused wherever an input asks for it:",
      "",
      ...refusalsInSource(join(import.meta.dirname, "cloudwatch")).map((member) => `- ${member}`),
      "",
    ],
  };
}

function logs(): ServedService {
  return {
    title: "CloudWatch Logs",
    model: logsModel(),
    carriedOut: new Set(Object.keys(logsOperations)),
    refused: {},
    notes: [
      "Each cluster is a log group `/berth/<cluster>`, each container of a task a log stream `<family>/<container>/<task id>`. Events are read",
      "from the Docker engine of the task's host when they are asked for, as long as it keeps the container, by an agent with the",
      "attribute `berth.capability.task-logs`.",
      "",
      "Refused wherever an input asks for it:",
      "",
      ...refusalsInSource(join(import.meta.dirname, "logs")).map((member) => `- ${member}`),
      "",
    ],
  };
}

function section({ title, model, carriedOut, refused, notes }: ServedService): string {
  const operations = [...model.operations.keys()].sort();
  const served = operations.filter((name) => carriedOut.has(name));
  const others = operations.filter((name) => !carriedOut.has(name));
  return [
    `## ${title} (API ${model.version})`,
    "",
    `${served.length} of ${operations.length} operations are carried out, with all members of their input but those listed under them:`,
    "",
    ...served.flatMap((name) => [`- ${name}`, ...(refused[name] ?? []).map((row) => `  ${line(row)}`)]),
    "",
    ...notes,
    ...(others.length === 0
      ? []
      : [`### ${title}: operations that are refused`, "", ...others.map((name) => `- ${name}`), ""]),
  ].join("\n");
}

function line(row: RefusedRow): string {
  return row.hint === undefined ? `- \`${nameOf(row)}\`` : `- \`${nameOf(row)}\`: ${row.hint}`;
}

/** What the code of a folder gives to `notCarriedOut`, with … for what is known only at run time. */
function refusalsInSource(folder: string): string[] {
  const sources = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const found = sources.flatMap((name) => [
    ...readFileSync(join(folder, name), "utf8").matchAll(/\bnotCarriedOut\(\s*(["`])(?<member>(?:(?!\1).)+)\1/g),
  ]);
  return [...new Set(found.map((match) => (match.groups?.member ?? "").replaceAll(/\$\{[^}]*\}/g, "…")))].sort();
}
