import { type NormalizedSchema, NormalizedSchema as Schemas } from "@smithy/core/schema";

/** What an SDK client package says at run time about its service. */
export interface SdkService {
  readonly targetPrefix: string;
  readonly version: string;
  readonly xmlNamespace: string;
  /** Operation name -> its input and output schemas. */
  readonly operations: ReadonlyMap<string, SdkOperation>;
  readonly errors: ReadonlyMap<string, NormalizedSchema>;
  readonly enums: ReadonlyMap<string, readonly string[]>;
}

export interface SdkOperation {
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
}

interface ProtocolSettings {
  readonly serviceTarget: string;
  readonly version: string;
  readonly xmlNamespace?: string;
}

type Client = new (config: object) => { readonly config: { readonly protocolSettings: ProtocolSettings } };

/** An operation's schema is the tuple [9, namespace, name, traits, input, output]; an error's starts with -3. */
const OPERATION = 9;
const ERROR = -3;

/** Reads the schemas that `clientName`'s package exports. */
export function readSdk(module: Readonly<Record<string, unknown>>, clientName: string): SdkService {
  const client = new (module[clientName] as Client)({
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  const operations = new Map<string, SdkOperation>();
  const errors = new Map<string, NormalizedSchema>();
  const enums = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(module)) {
    if (Array.isArray(value) && name.endsWith("$")) {
      if (value[0] === OPERATION)
        operations.set(value[2], { input: Schemas.of(value[4]), output: Schemas.of(value[5]) });
      if (value[0] === ERROR && !String(value[2]).endsWith("ServiceException"))
        errors.set(value[2], Schemas.of(value as never));
    } else if (/^[A-Z]/.test(name) && isEnum(value)) enums.set(name, Object.values(value));
  }
  const { serviceTarget, version, xmlNamespace } = client.config.protocolSettings;
  return { targetPrefix: serviceTarget, version, xmlNamespace: xmlNamespace ?? "", operations, errors, enums };
}

function isEnum(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).length > 0 &&
    Object.values(value).every((item) => typeof item === "string")
  );
}

/** The tuple behind a structure's schema: [.., names, schemas, how many of them are required]. */
export function requiredMembers(structure: NormalizedSchema): readonly string[] {
  const tuple = structure.getSchema() as unknown as [number, string, string, unknown, string[], unknown[], number?];
  return tuple[4].slice(0, tuple[6] ?? 0);
}
