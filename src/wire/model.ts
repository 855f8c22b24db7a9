import { readFileSync } from "node:fs";
import type { MemberJson, ModelJson, ShapeJson, SimpleType } from "./model-json.ts";
import { SIMPLE_TYPES } from "./model-json.ts";
import { BERTH_MODEL } from "./models/berth.ts";

/** A service's API: what may be asked, and what each request, response and error looks like. */
export interface ServiceModel {
  /** Our short name: "ecs", "elbv2", "acm", "cloudwatch", "logs" or "berth". */
  readonly name: string;
  /** The service's name in a signature's scope. */
  readonly signingName: string;
  readonly protocol: "json" | "query";
  /** A service of the Query protocol that newer SDKs speak AWS JSON 1.0 or Smithy RPC v2 CBOR with. */
  readonly alsoRpc: boolean;
  readonly version: string;
  /** What stands before the dot in X-Amz-Target. */
  readonly targetPrefix: string;
  readonly xmlNamespace: string;
  readonly operations: ReadonlyMap<string, OperationModel>;
  /** Found under the shape's name and, where it differs, also under the code that Query writes. */
  readonly errors: ReadonlyMap<string, ErrorModel>;
}

export interface OperationModel {
  readonly name: string;
  readonly input: Shape;
  readonly output: Shape;
  /** Shape names of the errors that the API model lists for it. */
  readonly errors: ReadonlySet<string>;
}

export interface ErrorModel {
  /** The shape's name, such as "TargetGroupNotFoundException". */
  readonly name: string;
  /** What Query writes: "TargetGroupNotFound". Equal to `name` in JSON services. */
  readonly code: string;
  readonly status: number;
  readonly shape: Shape;
}

export type Shape = SimpleShape | EnumShape | ListShape | MapShape | StructureShape;
export interface SimpleShape {
  readonly type: SimpleType;
}
export interface EnumShape {
  readonly type: "enum";
  readonly name: string;
  readonly values: ReadonlySet<string>;
}
export interface ListShape {
  readonly type: "list";
  readonly item: Shape;
  /** The element's name in XML and Query. */
  readonly itemName: string;
}
export interface MapShape {
  readonly type: "map";
  readonly value: Shape;
}
export interface StructureShape {
  readonly type: "structure";
  readonly name: string;
  readonly members: readonly Member[];
  readonly required: readonly string[];
  /** Just one member may be present. */
  readonly union: boolean;
}

export interface Member {
  readonly name: string;
  /** Its name in XML and Query. */
  readonly wireName: string;
  readonly shape: Shape;
  /** In XML and Query, a list without an element around its items. */
  readonly flattened: boolean;
  /** A client fills it in when the caller does not. */
  readonly idempotencyToken: boolean;
}

/** The services of AWS, whose models lie in models/ as JSON. */
export type ServiceName = "acm" | "cloudwatch" | "ecs" | "elbv2" | "logs";

const loaded = new Map<ServiceName | "berth", ServiceModel>();

/** Amazon ECS, read from disk at the first call. */
export function ecsModel(): ServiceModel {
  return model("ecs");
}

/** Elastic Load Balancing v2, read from disk at the first call. */
export function elbv2Model(): ServiceModel {
  return model("elbv2");
}

/** The part of Certificate Manager that has to do with certificates of load balancers, read from disk at the first call. */
export function acmModel(): ServiceModel {
  return model("acm");
}

/** The part of CloudWatch that answers metrics, read from disk at the first call. */
export function cloudWatchModel(): ServiceModel {
  return model("cloudwatch");
}

/** The part of CloudWatch Logs that has to do with containers' output, read from disk at the first call. */
export function logsModel(): ServiceModel {
  return model("logs");
}

/** Berth's own API. */
export function berthModel(): ServiceModel {
  return model("berth");
}

function model(service: ServiceName | "berth"): ServiceModel {
  const known = loaded.get(service) ?? linkModel(service === "berth" ? BERTH_MODEL : readModel(service));
  loaded.set(service, known);
  return known;
}

/** Short plain-text help on a service's operations and members, the latter under "Structure.member". */
export function readDocumentation(service: ServiceName): {
  readonly operations: Readonly<Record<string, string>>;
  readonly members: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(new URL(`./models/${service}.docs.json`, import.meta.url), "utf8"));
}

function readModel(service: ServiceName): ModelJson {
  return JSON.parse(readFileSync(new URL(`./models/${service}.json`, import.meta.url), "utf8"));
}

/** Turns names into links. Throws on a name that nothing bears. */
export function linkModel(json: ModelJson): ServiceModel {
  const linked = new Map<string, Shape>(SIMPLE_TYPES.map((type) => [type, { type }]));
  const link = (name: string): Shape => {
    const known = linked.get(name);
    if (known !== undefined) return known;
    const shape = json.shapes[name];
    if (shape === undefined) throw new Error(`the model of ${json.name} has no shape ${name}`);
    return linkShape(name, shape, linked, link);
  };
  const operations = Object.entries(json.operations).map(
    ([name, { input, output, errors }]): [string, OperationModel] => [
      name,
      { name, input: link(input), output: link(output), errors: new Set(errors) },
    ],
  );
  const errors = Object.entries(json.errors).flatMap(([name, { code, status, shape }]): [string, ErrorModel][] => {
    const error = { name, code, status, shape: link(shape) };
    return [
      [code, error],
      [name, error],
    ];
  });
  const { name, signingName, protocol, alsoRpc = false, version, targetPrefix, xmlNamespace } = json;
  return {
    name,
    signingName,
    protocol,
    alsoRpc,
    version,
    targetPrefix,
    xmlNamespace,
    operations: new Map(operations),
    errors: new Map(errors),
  };
}

/** Puts the shape into `linked` before it follows its parts, since shapes may refer to themselves. */
function linkShape(name: string, json: ShapeJson, linked: Map<string, Shape>, link: (name: string) => Shape): Shape {
  if ("enum" in json) {
    const shape: EnumShape = { type: "enum", name, values: new Set(json.enum) };
    linked.set(name, shape);
    return shape;
  }
  if ("list" in json) {
    const shape = { type: "list" as const, item: undefined as unknown as Shape, itemName: json.itemName ?? "member" };
    linked.set(name, shape);
    shape.item = link(json.list);
    return shape;
  }
  if ("map" in json) {
    const shape = { type: "map" as const, value: undefined as unknown as Shape };
    linked.set(name, shape);
    shape.value = link(json.map);
    return shape;
  }
  const members: Member[] = [];
  const shape: StructureShape = {
    type: "structure",
    name,
    members,
    required: json.required ?? [],
    union: json.union ?? false,
  };
  linked.set(name, shape);
  for (const [memberName, member] of Object.entries(json.members)) members.push(linkMember(memberName, member, link));
  return shape;
}

function linkMember(name: string, member: MemberJson, link: (name: string) => Shape): Member {
  const traits = typeof member === "string" ? { shape: member } : member;
  return {
    name,
    wireName: traits.xmlName ?? name,
    shape: link(traits.shape),
    flattened: traits.flattened ?? false,
    idempotencyToken: traits.idempotencyToken ?? false,
  };
}
