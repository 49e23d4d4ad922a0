import { setTimeout as sleep } from 'node:timers/promises';
import type { FetchedPartition, FetchLimits, FetchPosition } from './fetch-call.ts';
import type { TopicCluster } from './topic-cluster.ts';

export interface FetchPumpOptions {
  readonly cluster: TopicCluster;
  /** What is to be read now, asked before each fetch. */
  readonly positions: () => readonly FetchPosition[];
  /** What a leader gave; a partition may have moved on or away since it was asked for. */
  readonly fetched: (partition: FetchedPartition) => void;
  readonly failed: (error: unknown) => void;
  /** Each fetch costs the same, full or nearly empty: what comes within this time after one shares the next. */
  readonly gatherMs: number;
}

const LIMITS: FetchLimits = { waitMs: 500, maxOctets: 2 * 1_048_576, maxPartitionOctets: 1_048_576 };
const PAUSE_MS = 200;

/** Fetches what is wanted, from each leader in a loop of its own, for as long as there is anything to want. */
export class FetchPump {
  readonly #options: FetchPumpOptions;
  /** Leaders that have a loop. */
  readonly #loops = new Set<number>();
  readonly #stopping = new AbortController();
  #searching = false;
  #turn = 0;

  constructor(options: FetchPumpOptions) {
    this.#options = options;
  }

  /** Something new may be wanted. */
  wake(): void {
    if (this.#stopped) return;
    let orphans = false;
    for (const { partition } of this.#options.positions()) {
      const leader = this.#options.cluster.leaderOf(partition);
      if (leader === undefined) orphans = true;
      else if (!this.#loops.has(leader)) {
        this.#loops.add(leader);
        void this.#run(leader);
      }
    }
    if (orphans && !this.#searching) void this.#search();
  }

  stop(): void {
    this.#stopping.abort();
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(leader: number): Promise<void> {
    const { cluster, fetched, failed, gatherMs } = this.#options;
    for (let positions = this.#ledBy(leader); positions.length > 0; positions = this.#ledBy(leader)) {
      try {
        const partitions = await cluster.fetch(leader, positions, LIMITS);
        if (this.#stopped) break;
        for (const partition of partitions) fetched(partition);
        await this.#pause(gatherMs);
      } catch (error) {
        if (this.#stopped) break;
        failed(error);
        await this.#pause(PAUSE_MS);
        await cluster.refresh().catch(() => undefined); // the next fetch tells what is wrong
      }
      if (this.#stopped) break;
    }
    this.#loops.delete(leader);
    this.wake();
  }

  /** Partitions without a leader, or whose leader is not known. */
  async #search(): Promise<void> {
    this.#searching = true;
    await this.#options.cluster.refresh().catch((error: unknown) => this.#options.failed(error));
    await this.#pause(PAUSE_MS);
    this.#searching = false;
    this.wake();
  }

  /** In turning order, so that no partition is always the last to be answered for. */
  #ledBy(leader: number): readonly FetchPosition[] {
    if (this.#stopped) return [];
    const { cluster, positions } = this.#options;
    const led = positions().filter(({ partition }) => cluster.leaderOf(partition) === leader);
    const first = led.length === 0 ? 0 : this.#turn++ % led.length;
    return [...led.slice(first), ...led.slice(0, first)];
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined); // cut short by stop
  }
}
