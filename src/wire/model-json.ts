/**
 * A service's model as it lies in models/*.json: what the official SDK says, made compact.
 * A reference is the name of a shape, or one of the simple types below.
 */
export interface ModelJson {
  /** Our short name of the service: "ecs", "elbv2", "logs" or "berth". */
  readonly name: string;
  /** The service's name in a signature's scope. */
  readonly signingName: string;
  readonly protocol: "json" | "query";
  /** A service of the Query protocol that newer SDKs speak AWS JSON 1.0 or Smithy RPC v2 CBOR with. */
  readonly alsoRpc?: true;
  readonly version: string;
  /** What stands before the operation's name in X-Amz-Target. */
  readonly targetPrefix: string;
  readonly xmlNamespace: string;
  readonly operations: Readonly<Record<string, OperationJson>>;
  readonly errors: Readonly<Record<string, ErrorJson>>;
  readonly shapes: Readonly<Record<string, ShapeJson>>;
}

export interface OperationJson {
  readonly input: string;
  readonly output: string;
  readonly errors: readonly string[];
}

export interface ErrorJson {
  /** What the Query protocol writes as the code; with JSON it is the error's own name. */
  readonly code: string;
  readonly status: number;
  readonly shape: string;
}

export const SIMPLE_TYPES = [
  "string",
  "boolean",
  "integer",
  "long",
  "double",
  "timestamp",
  "blob",
  "document",
  "unit",
] as const;
export type SimpleType = (typeof SIMPLE_TYPES)[number];

export type ShapeJson =
  | { readonly enum: readonly string[] }
  | { readonly list: string; readonly itemName?: string }
  | { readonly map: string }
  | {
      readonly members: Readonly<Record<string, MemberJson>>;
      readonly required?: readonly string[];
      /** Just one member may be present. */
      readonly union?: true;
    };

/** A bare reference, or one with traits. */
export type MemberJson =
  | string
  | {
      readonly shape: string;
      readonly xmlName?: string;
      readonly flattened?: true;
      /** A client fills it in when the caller does not. */
      readonly idempotencyToken?: true;
    };
