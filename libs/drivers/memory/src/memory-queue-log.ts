import { encodedOctets } from '@mailyard/contracts';
import { MtaError } from '@mailyard/mail';
import type { Appended, LoggedRecord, PartitionHandler, QueueLog, QueueRecord, Reading } from '@mailyard/queue';
import { MemoryPartition } from './memory-partition.ts';
import { MemoryReading } from './memory-reading.ts';

/** What is to go wrong with an append. */
export interface AppendFault {
  /** The append waits for this before anything happens. */
  readonly after?: Promise<void>;
  /** What the caller is told in place of success: certainly not written, or not known. */
  readonly error?: 'LOG_REFUSED' | 'LOG_UNCERTAIN';
  /** With `LOG_UNCERTAIN`: whether the batch is written all the same, and when (at once unless said otherwise). */
  readonly lands?: boolean | Promise<void>;
}

export interface MemoryQueueLogOptions {
  /** 1 unless said otherwise. */
  readonly partitionCount?: number;
  /** 1 MiB unless said otherwise (I12). */
  readonly maxBatchOctets?: number;
  readonly now?: () => number;
  /** Asked before each append. */
  readonly fault?: (partition: number, records: readonly QueueRecord[]) => AppendFault | undefined;
}

/** A reader that joined: one member of the group. */
class Member implements Reading {
  readonly handler: PartitionHandler;
  readonly readings = new Map<number, MemoryReading>();
  readonly #leave: (member: Member) => Promise<void>;

  constructor(handler: PartitionHandler, leave: (member: Member) => Promise<void>) {
    this.handler = handler;
    this.#leave = leave;
  }

  stop(): Promise<void> {
    return this.#leave(this);
  }
}

/**
 * The queue log in memory: for tests of what stands on it, with any number of members in one process.
 *
 * Every `join` is a member, and partitions are dealt evenly among members, each staying where it is when it can. Tests
 * deal by hand with {@link deal}, let a member die with {@link abandon}, and make appends fail by the option `fault`.
 */
export class MemoryQueueLog implements QueueLog {
  readonly partitionCount: number;
  readonly maxBatchOctets: number;
  readonly #partitions: readonly MemoryPartition[];
  readonly #fault: MemoryQueueLogOptions['fault'];
  readonly #members: Member[] = [];
  /** By partition: who holds it. */
  readonly #holders: (Member | undefined)[];
  readonly #followers = new Set<MemoryReading>();
  /** Changes of holders, one after another. */
  #dealing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: MemoryQueueLogOptions = {}) {
    this.partitionCount = options.partitionCount ?? 1;
    this.maxBatchOctets = options.maxBatchOctets ?? 1_048_576;
    const now = options.now ?? Date.now;
    this.#partitions = Array.from({ length: this.partitionCount }, () => new MemoryPartition(now));
    this.#holders = Array.from({ length: this.partitionCount }, () => undefined);
    this.#fault = options.fault;
  }

  sizeOf(record: QueueRecord): number {
    return encodedOctets(record);
  }

  async append(partition: number, records: readonly QueueRecord[]): Promise<Appended> {
    const log = this.#of(partition);
    const octets = records.reduce((sum, record) => sum + encodedOctets(record), 0);
    if (records.length === 0 || octets > this.maxBatchOctets)
      throw new MtaError('LOG_REFUSED', `a batch of ${records.length} records, ${octets} octets`);
    const fault = this.#fault?.(partition, records);
    if (fault?.after !== undefined) await fault.after;
    if (this.#closed) throw new MtaError('LOG_REFUSED', 'the log is closed');
    if (fault?.error === undefined) return log.append(records);
    if (fault.error === 'LOG_UNCERTAIN' && fault.lands !== undefined && fault.lands !== false) {
      if (fault.lands === true) log.append(records);
      else void fault.lands.then(() => log.append(records));
    }
    throw new MtaError(fault.error, 'as the test asked');
  }

  async join(handler: PartitionHandler): Promise<Reading> {
    const member = new Member(handler, (leaving) => this.#leave(leaving));
    this.#members.push(member);
    await this.#rebalance();
    return member;
  }

  follow(from: ReadonlyMap<number, number>, handler: PartitionHandler): Promise<Reading> {
    const readings = this.#partitions.map(
      (log, partition) => new MemoryReading(log, partition, from.get(partition), handler),
    );
    for (const reading of readings) this.#followers.add(reading);
    return Promise.resolve({
      stop: async () => {
        await Promise.all(readings.map((reading) => reading.leave()));
        for (const reading of readings) this.#followers.delete(reading);
      },
    });
  }

  async read(partition: number, offset: number): Promise<LoggedRecord | undefined> {
    return this.#of(partition).at(offset);
  }

  async trim(partition: number, before: number): Promise<void> {
    this.#of(partition).trim(before);
  }

  async bounds(partition: number): Promise<{ readonly start: number; readonly end: number }> {
    const { start, end } = this.#of(partition);
    return { start, end };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#followers].map((reading) => reading.leave()));
    for (const member of this.#members) await this.#leave(member);
  }

  /**
   * Gives a partition to a member, or to nobody. The holder before is told first, unless it was abandoned.
   *
   * @param reading what {@link join} returned
   */
  deal(partition: number, reading: Reading | undefined): Promise<void> {
    const member = this.#members.find((known) => known === reading);
    return this.#inTurn(() => this.#give(partition, member));
  }

  /** A member's process dies: it is called no more. Its partitions go to the others, unless `deal` is false. */
  abandon(reading: Reading, deal = true): Promise<void> {
    const member = this.#members.find((known) => known === reading);
    if (member === undefined) return Promise.resolve();
    this.#members.splice(this.#members.indexOf(member), 1);
    for (const [partition, one] of member.readings) {
      one.abandon();
      this.#holders[partition] = undefined;
    }
    member.readings.clear();
    return deal ? this.#rebalance() : Promise.resolve();
  }

  #of(partition: number): MemoryPartition {
    const log = this.#partitions[partition];
    if (log === undefined) throw new RangeError(`there is no partition ${partition}`);
    return log;
  }

  async #leave(member: Member): Promise<void> {
    const at = this.#members.indexOf(member);
    if (at >= 0) this.#members.splice(at, 1);
    await this.#rebalance();
  }

  #rebalance(): Promise<void> {
    return this.#inTurn(async () => {
      const share = Math.ceil(this.partitionCount / Math.max(1, this.#members.length));
      const counts = new Map(this.#members.map((member) => [member, 0]));
      const wanted = this.#holders.map((holder) => {
        const count = holder === undefined ? undefined : counts.get(holder);
        if (holder === undefined || count === undefined || count >= share) return undefined;
        counts.set(holder, count + 1);
        return holder;
      });
      for (let partition = 0; partition < this.partitionCount; partition++) {
        let member = wanted[partition];
        if (member === undefined) {
          for (const candidate of this.#members)
            if (member === undefined || counts.get(candidate)! < counts.get(member)!) member = candidate;
          if (member !== undefined) counts.set(member, counts.get(member)! + 1);
        }
        await this.#give(partition, member);
      }
    });
  }

  async #give(partition: number, member: Member | undefined): Promise<void> {
    const holder = this.#holders[partition];
    if (holder === member) return;
    this.#holders[partition] = undefined;
    const reading = holder?.readings.get(partition);
    holder?.readings.delete(partition);
    await reading?.leave();
    if (member === undefined || !this.#members.includes(member)) return;
    this.#holders[partition] = member;
    member.readings.set(partition, new MemoryReading(this.#of(partition), partition, undefined, member.handler));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#dealing.then(work);
    this.#dealing = done.catch(() => {});
    return done;
  }
}
