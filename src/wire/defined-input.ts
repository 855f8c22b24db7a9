/**
 * An SDK input type, without the `undefined` that the SDK allows for required members: decoding has refused those.
 * Members that are optional stay as they are.
 */
export type DefinedInput<T> = {
  [Member in keyof T]: Record<never, never> extends Pick<T, Member> ? T[Member] : Exclude<T[Member], undefined>;
};
