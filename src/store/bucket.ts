/** A piece that grows beyond this is halved: what a change moves stays small, and a list is made of few copies. */
const PIECE = 512;

/** Some neighbours, ordered by key. The two lists run side by side. */
interface Piece {
  readonly keys: string[];
  readonly records: object[];
}

/**
 * The records that an index files under one value, ordered by key (as strings compare, by UTF-16 code units). A change
 * costs no more with many records than with few; so does going through them from any key on.
 */
export class Bucket {
  /** None is empty, except for the first one of an empty bucket. */
  readonly #pieces: Piece[] = [{ keys: [], records: [] }];
  readonly #pieceSize: number;
  #size = 0;
  /** Made when it is asked for; replaced and never changed, since callers hold it. */
  #list: readonly object[] | undefined;

  constructor(pieceSize = PIECE) {
    this.#pieceSize = pieceSize;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): object | undefined {
    const piece = this.#pieces[this.#pieceOf(key)] as Piece;
    const at = firstFrom(piece.keys, key);
    return piece.keys[at] === key ? piece.records[at] : undefined;
  }

  set(key: string, record: object): void {
    const number = this.#pieceOf(key);
    const piece = this.#pieces[number] as Piece;
    const at = firstFrom(piece.keys, key);
    this.#list = undefined;
    if (piece.keys[at] === key) {
      piece.records[at] = record;
      return;
    }
    piece.keys.splice(at, 0, key);
    piece.records.splice(at, 0, record);
    this.#size++;
    if (piece.keys.length > this.#pieceSize) this.#halve(number, at);
  }

  delete(key: string): void {
    const number = this.#pieceOf(key);
    const piece = this.#pieces[number] as Piece;
    const at = firstFrom(piece.keys, key);
    if (piece.keys[at] !== key) return;
    piece.keys.splice(at, 1);
    piece.records.splice(at, 1);
    if (piece.keys.length === 0 && this.#pieces.length > 1) this.#pieces.splice(number, 1);
    this.#size--;
    this.#list = undefined;
  }

  list(): readonly object[] {
    this.#list ??= ([] as object[]).concat(...this.#pieces.map((piece) => piece.records));
    return this.#list;
  }

  /** Those whose keys come after `key`, in order; all without one. It must not be changed meanwhile. */
  *after(key: string | undefined): Generator<object> {
    let number = key === undefined ? 0 : this.#pieceOf(key);
    const first = this.#pieces[number] as Piece;
    let at = key === undefined ? 0 : firstFrom(first.keys, key);
    if (first.keys[at] === key) at++;
    for (let piece: Piece | undefined = first; piece !== undefined; piece = this.#pieces[++number]) {
      for (; at < piece.records.length; at++) yield piece.records[at] as object;
      at = 0;
    }
  }

  /** The piece in which a key is, or would be. */
  #pieceOf(key: string): number {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#pieces[middle] as Piece).keys.at(-1) as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** In the middle; but what came at the end leaves full pieces behind, since records are often filed in order. */
  #halve(number: number, at: number): void {
    const { keys, records } = this.#pieces[number] as Piece;
    const from = at === keys.length - 1 ? at : keys.length >>> 1;
    this.#pieces.splice(number + 1, 0, { keys: keys.splice(from), records: records.splice(from) });
  }
}

/** Where the first of the ordered keys stands that is not before `key`. */
function firstFrom(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
