/** A query that cannot be read: what is wrong, and where. */
export class QuerySyntaxError extends Error {
  /** The character at which it went wrong; the first one is 1. */
  readonly position: number;

  constructor(problem: string, position: number) {
    super(problem);
    this.position = position;
  }
}
