import type { Glance, OpenMessage } from '@mailyard/queue';
import type { Partition } from '../partitions/partition.ts';

/** How often the time is looked at. */
const LOOK_EVERY = 16;

/** The walks over the open messages of partitions that became ours, each up to an offset: later ones are told of one by one. */
export class Placing {
  readonly #walks = new Map<Partition, Walk>();

  get isOn(): boolean {
    return this.#walks.size > 0;
  }

  begin(partition: Partition, before: number): void {
    this.#walks.set(partition, { messages: partition.owner.state.messages.glance(), before, passed: -1 });
  }

  end(partition: Partition): void {
    this.#walks.delete(partition);
  }

  clear(): void {
    this.#walks.clear();
  }

  /** Whether a message was told of: while a walk goes on, those further on were not. */
  hasPassed(partition: Partition, { fullStateOffset }: OpenMessage): boolean {
    const walk = this.#walks.get(partition);
    return walk === undefined || fullStateOffset <= walk.passed || fullStateOffset > walk.before;
  }

  /** Goes on, no longer than until this instant. True when all walks are at their end. */
  goOn(until: number, tell: (partition: Partition, message: Glance) => void): boolean {
    for (const [partition, walk] of this.#walks) {
      for (let i = 1; ; i++) {
        const { done, value } = walk.messages.next();
        if (done === true || value.fullStateOffset > walk.before) {
          this.#walks.delete(partition);
          break;
        }
        walk.passed = value.fullStateOffset;
        tell(partition, value);
        if (i % LOOK_EVERY === 0 && performance.now() >= until) return false;
      }
    }
    return true;
  }
}

interface Walk {
  readonly messages: Iterator<Glance, undefined>;
  readonly before: number;
  passed: number;
}
