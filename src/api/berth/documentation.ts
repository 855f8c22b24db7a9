import type { MemberJson, ModelJson, ShapeJson } from "../../wire/model-json.ts";
import { BERTH_MODEL } from "../../wire/models/berth.ts";
import { BERTH_MEMBER_DOCS, BERTH_OPERATION_DOCS, BERTH_VALUE_DOCS } from "../../wire/models/berth-docs.ts";

const HEAD = `# Berth's own API

What the AWS APIs have no operation for, served on the same port. Written by \`node scripts/compatibility.ts\` from the model that the
server itself goes by (\`src/wire/models/berth.ts\`); a test fails when this page is not what it says. Why there is such an API:
[decisions/006-an-api-of-our-own.md](decisions/006-an-api-of-our-own.md).

The protocol is AWS JSON 1.1, as ECS's: \`POST /\` with \`Content-Type: application/x-amz-json-1.1\` and
\`X-Amz-Target: ${BERTH_MODEL.targetPrefix}.<operation>\`, signed with Signature Version 4 for the service \`${BERTH_MODEL.signingName}\`. Of
its operations RemoveBalancer alone changes anything. \`berth why\`, \`berth plan\`, \`berth top\` and \`berth balancers\` are its clients; with \`--output json\` they print
its answers.
`;

/** The page docs/api.md. */
export function berthApiPage(): string {
  const model: ModelJson = BERTH_MODEL;
  const operations = Object.entries(model.operations).map(([name, { input, output, errors }]) =>
    [
      `## ${name}`,
      "",
      BERTH_OPERATION_DOCS[name as keyof typeof BERTH_OPERATION_DOCS],
      "",
      ...members("Input", input, model.shapes),
      ...members("Output", output, model.shapes),
      `Refusals: ${errors.map((error) => `\`${error}\``).join(", ")}, and the errors that all AWS JSON APIs have in common.`,
      "",
    ].join("\n"),
  );
  return [HEAD, ...operations, "## Structures\n", ...structures(model)].join("\n");
}

/** Every shape that is neither an operation's own nor an error's. */
function structures({ operations, errors, shapes }: ModelJson): string[] {
  const told = new Set([
    ...Object.values(operations).flatMap(({ input, output }) => [input, output]),
    ...Object.values(errors).map(({ shape }) => shape),
  ]);
  return Object.entries(shapes).flatMap(([name, shape]) => {
    if (told.has(name)) return [];
    if ("enum" in shape)
      return [[`### ${name}`, "", ...shape.enum.map((value) => valueLine(name, value)), ""].join("\n")];
    if ("members" in shape) return [[`### ${name}`, "", ...memberLines(name, shape), ""].join("\n")];
    return [];
  });
}

function members(title: string, name: string, shapes: ModelJson["shapes"]): string[] {
  const shape = shapes[name];
  if (shape === undefined || !("members" in shape)) throw new Error(`${name} is no structure`);
  const lines = memberLines(name, shape);
  return lines.length === 0 ? [`${title}: none.`, ""] : [`${title}:`, "", ...lines, ""];
}

function memberLines(name: string, { members, required = [] }: Extract<ShapeJson, { members: unknown }>): string[] {
  return Object.entries(members).map(([member, json]) => {
    const always = required.includes(member) ? (name.endsWith("Request") ? ", required" : ", always there") : "";
    const docs = BERTH_MEMBER_DOCS[`${name}.${member}` as keyof typeof BERTH_MEMBER_DOCS];
    return `- \`${member}\` (${typeName(json)}${always}): ${docs}`;
  });
}

function valueLine(name: string, value: string): string {
  return `- \`${value}\`: ${BERTH_VALUE_DOCS[`${name}.${value}` as keyof typeof BERTH_VALUE_DOCS]}`;
}

function typeName(json: MemberJson): string {
  const name = typeof json === "string" ? json : json.shape;
  return name.replace(/^List<(.*)>$/, "list of $1");
}
