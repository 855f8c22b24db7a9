/** A piece that grows beyond this is halved: what a change moves stays small. */
const PIECE = 512;

/** A record under its key. The table puts the newest record into it, so that buckets need not hear of it. */
export interface Row {
  readonly key: string;
  record: object;
}

/**
 * The rows that an index files under one value, ordered by key (as strings compare, by UTF-16 code units). To file one or
 * to take it out costs no more with many than with few; so does going through them from any key on. While nobody asks
 * for more than their number, many are not ordered at all.
 */
export class Bucket {
  /** None is empty, except for the first one of an empty bucket. */
  #pieces: Row[][] = [[]];
  /** All rows, by key, while they are not in `#pieces`. */
  #unordered: Map<string, Row> | undefined;
  #isOrderWanted = false;
  readonly #pieceSize: number;
  #size = 0;
  /** Made when it is asked for; replaced and never changed, since callers hold it. */
  #list: readonly object[] | undefined;
  /** The table's version of `#list`. */
  #listedAt = 0;

  constructor(pieceSize = PIECE) {
    this.#pieceSize = pieceSize;
  }

  get size(): number {
    return this.#size;
  }

  /** Files a row. One whose key is filed already stays as it is: it is the same row. */
  add(row: Row): void {
    if (this.#unordered !== undefined) {
      this.#unordered.set(row.key, row);
      this.#size = this.#unordered.size;
      return;
    }
    const number = this.#pieceOf(row.key);
    const piece = this.#pieces[number] as Row[];
    const at = firstFrom(piece, row.key);
    if (piece[at]?.key === row.key) return;
    piece.splice(at, 0, row);
    this.#size++;
    this.#list = undefined;
    if (piece.length <= this.#pieceSize) return;
    if (this.#isOrderWanted) this.#halve(number, at);
    else this.#unordered = new Map(piece.map((each) => [each.key, each]));
  }

  delete(key: string): void {
    if (this.#unordered !== undefined) {
      this.#unordered.delete(key);
      this.#size = this.#unordered.size;
      return;
    }
    const number = this.#pieceOf(key);
    const piece = this.#pieces[number] as Row[];
    const at = firstFrom(piece, key);
    if (piece[at]?.key !== key) return;
    piece.splice(at, 1);
    if (piece.length === 0 && this.#pieces.length > 1) this.#pieces.splice(number, 1);
    this.#size--;
    this.#list = undefined;
  }

  /** The records. `version` is another one whenever a record of the table may have been replaced. */
  list(version: number): readonly object[] {
    this.#order();
    if (this.#list === undefined || this.#listedAt !== version) {
      this.#list = this.#pieces.flat().map((row) => row.record);
      this.#listedAt = version;
    }
    return this.#list;
  }

  /** The records whose keys come after `key`, in order; all without one. It must not be changed meanwhile. */
  *after(key: string | undefined): Generator<object> {
    this.#order();
    let number = key === undefined ? 0 : this.#pieceOf(key);
    const first = this.#pieces[number] as Row[];
    let at = key === undefined ? 0 : firstFrom(first, key);
    if (first[at]?.key === key) at++;
    for (let piece: Row[] | undefined = first; piece !== undefined; piece = this.#pieces[++number]) {
      for (; at < piece.length; at++) yield (piece[at] as Row).record;
      at = 0;
    }
  }

  #order(): void {
    this.#isOrderWanted = true;
    if (this.#unordered === undefined) return;
    const rows = [...this.#unordered.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    const half = Math.ceil(this.#pieceSize / 2);
    const count = Math.max(1, Math.ceil(rows.length / half));
    this.#pieces = Array.from({ length: count }, (_, i) => rows.slice(i * half, (i + 1) * half));
    this.#unordered = undefined;
    this.#list = undefined;
  }

  /** The piece in which a key is, or would be. */
  #pieceOf(key: string): number {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((this.#pieces[middle] as Row[]).at(-1) as Row).key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** In the middle; but what came at the end leaves full pieces behind, since records are often filed in order. */
  #halve(number: number, at: number): void {
    const piece = this.#pieces[number] as Row[];
    const from = at === piece.length - 1 ? at : piece.length >>> 1;
    this.#pieces.splice(number + 1, 0, piece.splice(from));
  }
}

/** Where the first of the ordered rows stands whose key is not before `key`. */
function firstFrom(rows: readonly Row[], key: string): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] as Row).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
