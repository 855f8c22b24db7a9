/** A runtime command and what its answer looks like when it was carried out. */
export interface Command {
  readonly text: string;
  /** What comes with it: lines, none of them blank. May be secret: only `text` is ever logged. */
  readonly payload?: string;
  readonly accepts: RegExp;
  /** The server (`backend/name`) that it deletes, if it deletes one. */
  readonly deletes?: string;
}
