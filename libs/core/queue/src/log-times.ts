import type { PartitionState } from './state.ts';

/** One point of the log: everything below `offset` was appended by `appendTime` at the latest. */
interface Point {
  readonly offset: number;
  readonly appendTime: number;
  readonly traffic: number;
}

/** Points are this far apart in append time: a day of log is 8,640 of them. */
const SPACING_MS = 10_000;

/** Which part of the log was appended when, to some seconds: what "ten minutes before the mark" refers to (I6, I7). */
export class LogTimes {
  #points: Point[] = [];

  /** Notes the state's place in the log. Called after each read. */
  note(state: PartitionState): void {
    const last = this.#points.at(-1);
    if (last !== undefined && state.appendTime - last.appendTime < SPACING_MS) return;
    this.#points.push({ offset: state.nextOffset, appendTime: state.appendTime, traffic: state.traffic });
  }

  /** The highest offset known to lie at least this long, in append time, before what stands at `offset`. */
  before(offset: number, distanceMs: number): number | undefined {
    const there = this.#lastWhere((point) => point.offset <= offset);
    if (there === undefined) return undefined;
    const horizon = there.appendTime - distanceMs;
    return this.#lastWhere((point) => point.appendTime <= horizon)?.offset;
  }

  /** Octets of acceptances, intents and outcomes read in the last `ms` of append time. */
  trafficWithin(state: PartitionState, ms: number): number {
    const point = this.#lastWhere(({ appendTime }) => appendTime <= state.appendTime - ms);
    return state.traffic - (point?.traffic ?? 0);
  }

  /** Forgets all but the last point below this offset. */
  trimmed(offset: number): void {
    const kept = this.#points.findLastIndex((point) => point.offset < offset);
    if (kept > 0) this.#points = this.#points.slice(kept);
  }

  clear(): void {
    this.#points = [];
  }

  /** Points rise in offset and in append time, so that a condition on either holds up to some point. */
  #lastWhere(holds: (point: Point) => boolean): Point | undefined {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.#points[middle]!)) low = middle + 1;
      else high = middle;
    }
    return this.#points[low - 1];
  }
}
