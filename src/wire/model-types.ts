import type { ModelJson, SimpleType } from "./model-json.ts";

/**
 * The TypeScript types that a model written as a constant stands for, so that a hand-written model needs no second list of
 * its shapes. The official services' types come from their SDKs instead.
 */
interface SimpleValues {
  string: string;
  boolean: boolean;
  integer: number;
  long: number;
  double: number;
  timestamp: Date;
  blob: Uint8Array;
  document: unknown;
  unit: Record<never, never>;
}

/** The value of the shape of that name. A name that nothing bears is `never`, which no code can make. */
export type ModelValue<M extends ModelJson, Name> = Name extends SimpleType
  ? SimpleValues[Name]
  : Name extends keyof M["shapes"]
    ? ShapeValue<M, M["shapes"][Name]>
    : never;

type ShapeValue<M extends ModelJson, S> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : S extends { readonly list: infer Item }
    ? ModelValue<M, Item>[]
    : S extends { readonly map: infer Item }
      ? Record<string, ModelValue<M, Item>>
      : S extends { readonly members: infer Members }
        ? StructureValue<M, Members, S extends { readonly required: readonly (infer R)[] } ? R : never>
        : never;

type StructureValue<M extends ModelJson, Members, Required> = {
  [K in keyof Members as K extends Required ? K : never]: MemberValue<M, Members[K]>;
} & {
  [K in keyof Members as K extends Required ? never : K]?: MemberValue<M, Members[K]> | undefined;
};

type MemberValue<M extends ModelJson, Member> = ModelValue<M, Member extends { readonly shape: infer S } ? S : Member>;

/** Each operation of a model with the types of its input and output. */
export type ModelOperations<M extends ModelJson> = {
  [K in keyof M["operations"]]: {
    input: ModelValue<M, M["operations"][K]["input"]>;
    output: ModelValue<M, M["operations"][K]["output"]>;
  };
};
