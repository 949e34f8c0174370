/** Where in `sorted`, between `first` and `end`, the first number is that is not below `limit`. */
export function firstAtLeast(sorted: readonly number[], limit: number, first: number, end: number): number {
  let low = first;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
