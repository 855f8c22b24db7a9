/** What a transaction read kept changing under it: try again later. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
  readonly transaction: string;
  readonly attempts: number;

  constructor(transaction: string, attempts: number) {
    super(`transaction ${transaction} was given up after ${attempts} attempts: others kept changing what it reads`);
    this.transaction = transaction;
    this.attempts = attempts;
  }
}

/** The journal has failed: nothing can be committed until the process is started again. `cause` is what happened. */
export class StoreFailedError extends Error {
  override readonly name = "StoreFailedError";
  constructor(cause: Error) {
    super(`the store has failed and takes no more changes: ${cause.message}`, { cause });
  }
}

/** The store was closed before the transaction. */
export class StoreClosedError extends Error {
  override readonly name = "StoreClosedError";
  constructor(transaction: string) {
    super(`transaction ${transaction} came after the store was closed`);
  }
}

/** What is stored cannot be used: damaged, from a newer release, locked. Says which file, what is wrong and what to do. */
export class StoreFileError extends Error {
  override readonly name = "StoreFileError";
  readonly file: string;
  /** What to do about it. */
  readonly remedy: string;

  constructor(file: string, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${file}: ${problem}. ${remedy}`, options);
    this.file = file;
    this.remedy = remedy;
  }
}
