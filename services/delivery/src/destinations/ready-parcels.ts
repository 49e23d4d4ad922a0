import { ReadyQueue } from '@mailyard/delivery-rules';
import { isParticular, type Parcel } from './parcel.ts';

/**
 * What is ready to go to one destination: parcels for any connection, in the order in which they are to be sent, and
 * apart from them the particular ones, which may not go over just any.
 */
export class ReadyParcels implements Iterable<Parcel> {
  readonly #queue = new ReadyQueue<Parcel>();
  #particular: Parcel[] = [];
  #transactions = 0;

  /** Transactions of all parcels. */
  get transactions(): number {
    return this.#transactions;
  }

  /** Parcels for any connection. */
  get size(): number {
    return this.#queue.size;
  }

  get hasParticular(): boolean {
    return this.#particular.length > 0;
  }

  /** In no particular order. */
  *[Symbol.iterator](): Iterator<Parcel> {
    yield* this.#queue;
    yield* this.#particular;
  }

  push(parcel: Parcel): void {
    this.#transactions += parcel.sends.length;
    if (isParticular(parcel)) this.#particular.push(parcel);
    else this.#queue.push(parcel);
  }

  /** Takes the next parcel for any connection; there is one. */
  shift(now: number): Parcel {
    const parcel = this.#queue.shift(now)!;
    this.#transactions -= parcel.sends.length;
    return parcel;
  }

  /** Puts one that was taken back to the front. */
  unshift(parcel: Parcel): void {
    this.#transactions += parcel.sends.length;
    this.#queue.unshift(parcel);
  }

  /** Offers each particular parcel once; those that are taken leave, the others stay in their order. */
  offerParticular(takes: (parcel: Parcel) => boolean): void {
    this.#particular = this.#particular.filter((parcel) => {
      if (!takes(parcel)) return true;
      this.#transactions -= parcel.sends.length;
      return false;
    });
  }

  /** Takes out what the test names. */
  extract(test: (parcel: Parcel) => boolean): readonly Parcel[] {
    const taken = [...this.#particular.filter(test), ...this.#queue.extract(test)];
    this.#particular = this.#particular.filter((parcel) => !test(parcel));
    for (const { sends } of taken) this.#transactions -= sends.length;
    return taken;
  }
}
