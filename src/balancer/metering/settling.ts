/**
 * The difference of two counts that are not counted at the same moment, told without ever going back. Where it dips for a while,
 * because one of the two runs ahead, nothing is told until it is higher than ever before.
 */
export class Settling {
  #owed = 0;

  /** `change` of the difference, any sign. Answers how much of it is told now, 0 or more. */
  add(change: number): number {
    this.#owed += change;
    const told = Math.max(0, this.#owed);
    this.#owed -= told;
    return told;
  }
}
