import type { Pace } from '@mailyard/telemetry';

/**
 * The places of one page of a list that is in no order: without sorting the rest, which may be a hundred times as much.
 *
 * Keeps the first `offset + limit` of what it has seen in a heap whose root is the last of them.
 *
 * @param places of what is listed, below 2^32
 * @param compare below zero when the first place comes first; never zero for two places
 */
export async function pageInOrder(
  places: Iterable<number>,
  offset: number,
  limit: number,
  compare: (one: number, other: number) => number,
  pace: Pace,
): Promise<number[]> {
  const heap: number[] = [];
  const most = offset + limit;
  for (const place of places) {
    if (pace.isOver) await pace.rest();
    if (heap.length < most) rise(heap, heap.push(place) - 1, compare);
    else if (most > 0 && compare(place, heap[0]!) < 0) {
      heap[0] = place;
      sink(heap, compare);
    }
  }
  const page: number[] = [];
  while (heap.length > offset) {
    page.push(heap[0]!);
    const last = heap.pop()!;
    if (heap.length === 0) break;
    heap[0] = last;
    sink(heap, compare);
  }
  return page.reverse();
}

type Compare = (one: number, other: number) => number;

function rise(heap: number[], from: number, compare: Compare): void {
  const place = heap[from]!;
  let at = from;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (compare(heap[above]!, place) > 0) break;
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = place;
}

function sink(heap: number[], compare: Compare): void {
  const place = heap[0]!;
  let at = 0;
  for (let below = 1; below < heap.length; below = 2 * at + 1) {
    if (below + 1 < heap.length && compare(heap[below + 1]!, heap[below]!) > 0) below += 1;
    if (compare(heap[below]!, place) < 0) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = place;
}
