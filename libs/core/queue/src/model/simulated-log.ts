import type { Appended } from '../ports.ts';
import type { LoggedRecord, QueueRecord, Undecodable } from '../records.ts';
import type { Faults } from './faults.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

export type AppendResult = Appended | 'refused' | 'uncertain';

/** How long a writer waits for the answer to an append. */
const REQUEST_TIMEOUT_MS = 10_000;
const SLOWEST_MS = 900_000;

/** One partition of a log that delays, loses and repeats appends. What was trimmed can come back. */
export class SimulatedLog {
  readonly partition: number;
  /** Everything ever written, by offset. */
  readonly records: LoggedRecord[] = [];
  start = 0;
  /** Up to where it was ever trimmed: the start, unless that fell back. */
  trimmed = 0;
  /** How far the log's clock is off. */
  skewMs = 0;
  /** No faults any more. */
  healthy = false;
  readonly listeners = new Set<(partition: number) => void>();
  #outageUntil = 0;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #faults: Faults;

  constructor(partition: number, simulation: Simulation, random: Random, faults: Faults) {
    this.partition = partition;
    this.#simulation = simulation;
    this.#random = random;
    this.#faults = faults;
  }

  get end(): number {
    return this.records.length;
  }

  outage(durationMs: number): void {
    this.#outageUntil = this.#simulation.now + durationMs;
  }

  trim(before: number): void {
    this.start = Math.max(this.start, Math.min(before, this.end));
    this.trimmed = Math.max(this.trimmed, this.start);
  }

  /** A broker died: its successor knows an older start. */
  fallBack(): void {
    this.start = this.#random.whole(this.start + 1);
  }

  append(records: readonly (QueueRecord | Undecodable)[], done: (result: AppendResult) => void): void {
    const { chance } = this.#draws();
    if (chance(this.#faults.appendRefused)) {
      this.#simulation.after(this.#random.between(1, 200), () => done('refused'));
      return;
    }
    if (chance(this.#faults.appendLost)) {
      this.#simulation.after(REQUEST_TIMEOUT_MS, () => done('uncertain'));
      return;
    }
    const delay = this.#delay();
    const answered = delay < REQUEST_TIMEOUT_MS && !chance(this.#faults.acknowledgementLost);
    this.#simulation.after(delay, () => {
      const appended = this.write(records);
      if (answered) this.#simulation.after(this.#random.between(0, 20), () => done(appended));
    });
    if (!answered) this.#simulation.after(REQUEST_TIMEOUT_MS, () => done('uncertain'));
    if (chance(this.#faults.appendTwice)) this.#simulation.after(delay + this.#latency(1), () => this.write(records));
  }

  #draws(): { chance: (probability: number) => boolean } {
    return { chance: (probability) => !this.healthy && this.#random.chance(probability) };
  }

  #delay(): number {
    const slow = !this.healthy && this.#random.chance(this.#faults.appendSlow);
    const delay = slow ? this.#latency(50) : this.#random.between(1, 30);
    const outage = this.healthy ? 0 : this.#outageUntil - this.#simulation.now;
    return Math.max(0, outage) + delay;
  }

  /** As often long as short. */
  #latency(leastMs: number): number {
    return this.#random.chance(0.3)
      ? this.#random.between(leastMs, SLOWEST_MS)
      : this.#random.spread(leastMs, SLOWEST_MS);
  }

  write(records: readonly (QueueRecord | Undecodable)[]): Appended {
    const firstOffset = this.end;
    const appendTime = this.#simulation.now + this.skewMs;
    for (const record of records)
      this.records.push({
        offset: this.end,
        appendTime,
        sizeOctets: record.type === 'MessageAccepted' ? 900 : 120,
        record,
      });
    for (const listener of this.listeners) listener(this.partition);
    return { firstOffset, appendTime };
  }
}
