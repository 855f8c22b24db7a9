/** A local host could not be made, shown or removed. The message says what is wrong and what to do about it. */
export class HostError extends Error {
  override readonly name = "HostError";
}
