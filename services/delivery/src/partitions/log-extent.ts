interface Point {
  readonly offset: number;
  readonly position: number;
}

/** Offsets between two points: the extent is known to this many records. */
const SPACING = 1_000;

/** How many octets a partition's log holds: read so far, less what was trimmed. */
export class LogExtent {
  #points: Point[] = [{ offset: 0, position: 0 }];
  #trimmed = 0;

  /** Notes how many octets were read up to an offset. */
  note(offset: number, position: number): void {
    if (offset - this.#points.at(-1)!.offset >= SPACING) this.#points.push({ offset, position });
  }

  trimmed(before: number): void {
    const index = this.#points.findLastIndex(({ offset }) => offset <= before);
    if (index < 0) return;
    this.#trimmed = this.#points[index]!.position;
    this.#points = this.#points.slice(index);
  }

  /** @param position octets read so far */
  octets(position: number): number {
    return position - this.#trimmed;
  }
}
