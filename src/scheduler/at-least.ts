/** The column, or a longer copy of it if it has fewer than `length` numbers. */
export function atLeast(column: Int32Array, length: number): Int32Array {
  if (column.length >= length) return column;
  const longer = new Int32Array(length);
  longer.set(column);
  return longer;
}
