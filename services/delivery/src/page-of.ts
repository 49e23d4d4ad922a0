/**
 * The elements from `offset` on, `limit` at most, that sorting the whole would put there; without sorting the whole.
 * Reorders `all`.
 *
 * @param compare as for `Array.sort`
 */
export function pageOf<T>(all: T[], compare: (a: T, b: T) => number, offset: number, limit: number): T[] {
  const end = Math.min(all.length, offset + limit);
  if (offset >= end) return [];
  select(all, compare, 0, all.length - 1, offset);
  if (end < all.length) select(all, compare, offset, all.length - 1, end);
  return all.slice(offset, end).sort(compare);
}

/** Moves the element that belongs at `wanted` there, smaller ones before it (Hoare's selection). */
function select<T>(all: T[], compare: (a: T, b: T) => number, from: number, to: number, wanted: number): void {
  let [low, high] = [from, to];
  while (low < high) {
    const pivot = all[(low + high) >>> 1]!;
    let [left, right] = [low, high];
    while (left <= right) {
      while (compare(all[left]!, pivot) < 0) left += 1;
      while (compare(all[right]!, pivot) > 0) right -= 1;
      if (left > right) break;
      const moved = all[left]!;
      all[left] = all[right]!;
      all[right] = moved;
      left += 1;
      right -= 1;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else return;
  }
}
