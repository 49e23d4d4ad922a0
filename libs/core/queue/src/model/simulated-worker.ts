import type { Instant } from '../instant.ts';
import type { Incarnation } from '../records.ts';
import { SimulatedPartition } from './simulated-partition.ts';
import type { Life } from './truth.ts';
import type { PartitionHost } from './roles.ts';
import type { Peer, World } from './world.ts';

const PRESENCE_TTL_MS = 15_000;
const TICK_MS = 2_500;

/** One delivery process: it crashes, starts empty, stands still, loses sight of the presence store. */
export class SimulatedWorker implements Peer, PartitionHost {
  readonly world: World;
  readonly name: string;
  incarnation: Incarnation = '' as Incarnation;
  life: Life = { name: '', crashedAt: undefined, silences: [] };
  readonly partitions = new Map<number, SimulatedPartition>();
  #lives = 0;
  #pausedUntil = 0;
  #presenceLostUntil = 0;
  #skewMs = 0;
  up = false;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
  }

  start(): void {
    const { world } = this;
    this.#lives += 1;
    this.incarnation = `${this.name}.${this.#lives}` as Incarnation;
    this.life = { name: this.incarnation, crashedAt: undefined, silences: [] };
    this.#skewMs = world.random.between(-1, 1) * world.faults.skewMs;
    this.#presenceLostUntil = 0;
    this.up = true;
    this.after(world.random.between(0, TICK_MS), () => this.#tick());
  }

  crash(): void {
    if (!this.up) return;
    this.up = false;
    this.life.crashedAt = this.world.simulation.now;
    this.partitions.clear();
  }

  /** Nothing runs until then; what was due meanwhile runs late. */
  pause(durationMs: number): void {
    const { now } = this.world.simulation;
    this.#pausedUntil = now + durationMs;
    this.life.silences.push({ from: now, until: this.#pausedUntil, why: 'paused' });
  }

  losePresence(durationMs: number): void {
    const { now } = this.world.simulation;
    this.#presenceLostUntil = now + durationMs;
    this.life.silences.push({ from: now, until: this.#presenceLostUntil, why: 'absent' });
  }

  isPresent(incarnation: Incarnation): boolean {
    const { now } = this.world.simulation;
    return this.up && incarnation === this.incarnation && !this.#silentFor(now, PRESENCE_TTL_MS);
  }

  owns(partition: number, incarnation: Incarnation): boolean {
    return this.up && this.incarnation === incarnation && this.partitions.get(partition)?.owner.mayDecide === true;
  }

  #silentFor(now: number, ttlMs: number): boolean {
    return this.life.silences.some(({ from, until }) => now >= from + ttlMs && now < until);
  }

  presenceOf(incarnation: Incarnation, others: Iterable<Peer>): 'present' | 'absent' | 'unknown' {
    if (this.world.simulation.now < this.#presenceLostUntil) return 'unknown';
    for (const other of others) if (other.isPresent(incarnation)) return 'present';
    return 'absent';
  }

  now(): Instant {
    const { now } = this.world.simulation;
    return { wall: now + this.#skewMs, monotonic: now };
  }

  after(delayMs: number, run: () => void): void {
    const { incarnation } = this;
    const { simulation } = this.world;
    simulation.after(delayMs, () => {
      if (!this.up || this.incarnation !== incarnation) return;
      if (simulation.now < this.#pausedUntil) this.after(this.#pausedUntil - simulation.now, run);
      else run();
    });
  }

  assign(partition: number): void {
    this.after(0, () => {
      let assigned = this.partitions.get(partition);
      if (assigned === undefined) {
        assigned = new SimulatedPartition(this, this.world.logs[partition]!);
        this.partitions.set(partition, assigned);
      }
      assigned.assigned();
    });
  }

  revoke(partition: number): void {
    this.after(0, () => this.partitions.get(partition)?.revoked());
  }

  #tick(): void {
    for (const partition of this.partitions.values()) partition.tick();
    this.after(TICK_MS, () => this.#tick());
  }
}
