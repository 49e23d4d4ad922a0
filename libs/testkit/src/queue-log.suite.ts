/** The contract of the queue log: every sentence of the port's docstrings, for any driver. */
import { isMtaError } from '@mailyard/mail';
import type { Appended, LoggedRecord, QueueLog, QueueRecord, Reading } from '@mailyard/queue';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { RecordingHandler } from './recording-handler.ts';
import {
  sampleAccepted,
  sampleBatch,
  sampleClaim,
  sampleDelivered,
  sampleIntended,
  sampleMessageId,
  sampleQueued,
} from './sample-records.ts';

/** An empty log, alone in the world, and what can be done to it. */
export interface QueueLogSubject {
  readonly log: QueueLog;
  /** Ends the process that holds the log, in order, and opens the same log again. */
  readonly restart?: () => Promise<QueueLog>;
  /** Another process's view of the same log: a second member of the group. It is closed with the subject. */
  readonly another?: () => Promise<QueueLog>;
  /** Closes and removes everything. */
  readonly dispose: () => Promise<void>;
}

export interface QueueLogTraits {
  /** Appends in the tests of concurrency: fewer for a log across a network. */
  readonly appends?: number;
  /** How long a condition may take. */
  readonly patienceMs?: number;
}

/** Runs the contract suite against a driver. `factory` makes an empty log for each test. */
export function describeQueueLog(
  name: string,
  factory: () => Promise<QueueLogSubject>,
  traits: QueueLogTraits = {},
): void {
  const appends = traits.appends ?? 500;
  const patience = { timeout: traits.patienceMs ?? 20_000, interval: 5 };

  describe(`queue log: ${name}`, () => {
    const cleanups: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function subject(): Promise<QueueLogSubject> {
      const made = await factory();
      cleanups.push(() => made.dispose());
      return made;
    }

    async function reader(start: (handler: RecordingHandler) => Promise<Reading>, handler = new RecordingHandler()) {
      const reading = await start(handler);
      let running = true;
      const stop = async (): Promise<void> => {
        if (!running) return;
        running = false;
        await reading.stop();
        handler.over();
        expect(handler.complaints).toEqual([]);
      };
      cleanups.push(stop);
      return { handler, stop };
    }

    const follower = (log: QueueLog, from: [number, number][] = [], handler?: RecordingHandler) =>
      reader((told) => log.follow(new Map(from), told), handler);
    const member = (log: QueueLog, handler?: RecordingHandler) => reader((told) => log.join(told), handler);

    const until = (condition: () => void): Promise<void> => vi.waitFor(condition, patience);

    /** Waits until a reader has the record before `end`. */
    const upTo = (handler: RecordingHandler, end: number, partition = 0): Promise<void> =>
      until(() => expect((handler.of(partition).records.at(-1)?.offset ?? -1) + 1).toBe(end));

    /** All records of a partition, by a reader of its own. */
    async function contents(log: QueueLog, partition = 0): Promise<LoggedRecord[]> {
      const { start, end } = await log.bounds(partition);
      const { handler, stop } = await follower(log);
      if (end > start) await upTo(handler, end, partition);
      const { records } = handler.of(partition);
      await stop();
      return [...records];
    }

    function expectBatch(records: readonly LoggedRecord[], appended: Appended, batch: readonly QueueRecord[]): void {
      const first = records.findIndex(({ offset }) => offset === appended.firstOffset);
      expect(records.slice(first, first + batch.length).map(({ record }) => plain(record))).toEqual(batch.map(plain));
      for (const { appendTime } of records.slice(first, first + batch.length))
        expect(appendTime).toBe(appended.appendTime);
    }

    it('takes a batch and gives back what it took, with offset, append time and size', async () => {
      const { log } = await subject();
      expect(log.partitionCount).toBeGreaterThan(0);
      expect(await log.bounds(0)).toEqual({ start: 0, end: 0 });
      const message = sampleMessageId(1);
      const batch = [
        sampleAccepted(
          message,
          Uint8Array.from({ length: 1000 }, (_, at) => at & 255),
        ),
        sampleQueued(message),
        sampleClaim(1),
        sampleIntended(message),
        sampleDelivered(message),
      ];
      const appended = await log.append(0, batch);
      expect(appended.firstOffset).toBe(0);
      expect(Math.abs(appended.appendTime - Date.now())).toBeLessThan(60_000);
      expect((await log.bounds(0)).end).toBe(batch.length);
      const records = await contents(log);
      expectBatch(records, appended, batch);
      for (const [at, { sizeOctets }] of records.entries()) expect(sizeOctets).toBe(log.sizeOf(batch[at]!));
    });

    it('keeps batches whole and in order under concurrent appends', async () => {
      const { log } = await subject();
      const live = await follower(log);
      const batches = Array.from({ length: appends }, (_, at) => sampleBatch(at, 50, 1 + (at % 5)));
      const appended = await Promise.all(batches.map((batch) => log.append(0, batch)));
      const end = batches.reduce((sum, batch) => sum + batch.length, 0);
      expect((await log.bounds(0)).end).toBe(end);
      await upTo(live.handler, end);
      for (const records of [live.handler.of(0).records, await contents(log)]) {
        expect(records).toHaveLength(end);
        for (const [at, batch] of batches.entries()) expectBatch(records, appended[at]!, batch);
      }
    });

    it('keeps a repeated append as two batches', async () => {
      const { log } = await subject();
      const batch = sampleBatch(1);
      const first = await log.append(0, batch);
      const second = await log.append(0, batch);
      expect(second.firstOffset).toBe(first.firstOffset + batch.length);
      expect(second.appendTime).toBeGreaterThanOrEqual(first.appendTime);
      const records = await contents(log);
      expectBatch(records, first, batch);
      expectBatch(records, second, batch);
    });

    it('takes a batch as large as it says, and refuses a larger one without a trace', async () => {
      const { log } = await subject();
      const octets = (batch: readonly QueueRecord[]): number =>
        batch.reduce((sum, record) => sum + log.sizeOf(record), 0);
      // Lengths take the same octets in both, so the difference is all in the body.
      const probe = sampleBatch(1, log.maxBatchOctets - 4096);
      const room = log.maxBatchOctets - octets(probe);
      const largest = sampleBatch(1, log.maxBatchOctets - 4096 + room);
      expect(octets(largest)).toBe(log.maxBatchOctets);
      const appended = await log.append(0, largest);
      const error = await log.append(0, [...largest, sampleClaim(1)]).catch((caught: unknown) => caught);
      expect(isMtaError(error, 'LOG_REFUSED')).toBe(true);
      const records = await contents(log);
      expect(records).toHaveLength(largest.length);
      expectBatch(records, appended, largest);
    });

    it('assigns before the first record, and goes on with what is appended later', async () => {
      const { log } = await subject();
      await log.append(0, sampleBatch(1));
      const { handler } = await member(log);
      await upTo(handler, 2);
      await log.append(0, sampleBatch(2));
      await upTo(handler, 4);
      await until(() => expect(handler.held).toEqual(Array.from({ length: log.partitionCount }, (_, at) => at)));
      expect(handler.of(0)).toMatchObject({ held: true, assignments: 1, resets: 0 });
    });

    it('holds the next call back while a promise is pending, and loses nothing meanwhile', async () => {
      const { log } = await subject();
      const gate = Promise.withResolvers<void>();
      const handler = new RecordingHandler((partition) => (partition === 0 ? gate.promise : undefined));
      await follower(log, [], handler);
      await log.append(0, sampleBatch(0));
      await until(() => expect(handler.of(0).calls).toHaveLength(1));
      const many = Array.from({ length: 50 }, (_, at) => log.append(0, sampleBatch(at + 1)));
      await Promise.all(many);
      expect(handler.of(0).calls).toHaveLength(1);
      gate.resolve();
      await upTo(handler, 102);
      expect(handler.complaints).toEqual([]);
    });

    it('misses no wake-up: readers keep up with appends that never pause', async () => {
      const { log } = await subject();
      const quick = await follower(log);
      let turn = 0;
      const slow = await follower(
        log,
        [],
        new RecordingHandler(() =>
          turn++ % 3 === 0 ? new Promise((resolve) => setTimeout(resolve, turn % 7)) : undefined,
        ),
      );
      for (let at = 0; at < appends; at++) {
        const { firstOffset } = await log.append(0, [sampleClaim(at)]);
        expect(firstOffset).toBe(at);
        // Every so often the next append waits until the reader has this one: a lost wake-up would hang here.
        if (at % 10 === 0) await upTo(quick.handler, at + 1);
      }
      await upTo(quick.handler, appends);
      await upTo(slow.handler, appends);
    });

    it('follows from given offsets, and from the start where none is given', async () => {
      const { log } = await subject();
      for (let at = 0; at < 5; at++) await log.append(0, sampleBatch(at));
      const { handler } = await follower(log, [[0, 7]]);
      await upTo(handler, 10);
      expect(handler.of(0).records[0]?.offset).toBe(7);
      const atEnd = await follower(log, [[0, 10]]);
      await log.append(0, [sampleClaim(1)]);
      await upTo(atEnd.handler, 11);
      expect(atEnd.handler.of(0).records.map(({ offset }) => offset)).toEqual([10]);
      expect(await contents(log)).toHaveLength(11);
    });

    it('calls no handler after a reading has stopped, also in the middle of appends', async () => {
      const { log } = await subject();
      const { handler, stop } = await follower(log);
      const pending = Array.from({ length: 50 }, (_, at) => log.append(0, sampleBatch(at)));
      await until(() => expect(handler.of(0).records.length).toBeGreaterThan(0));
      await stop();
      await Promise.all(pending);
      await log.append(0, sampleBatch(99));
      expect(await contents(log)).toHaveLength(102);
      expect(handler.complaints).toEqual([]);
    });

    it('reads one record again, octet for octet', async () => {
      const { log } = await subject();
      const batches = Array.from({ length: 30 }, (_, at) => sampleBatch(at, 5000));
      const appended = await Promise.all(batches.map((batch) => log.append(0, batch)));
      for (const at of [0, 13, 29]) {
        const { firstOffset, appendTime } = appended[at]!;
        const logged = await log.read(0, firstOffset);
        expect(plain(logged)).toEqual({
          offset: firstOffset,
          appendTime,
          sizeOctets: log.sizeOf(batches[at]![0]!),
          record: plain(batches[at]![0]),
        });
        expect((await log.read(0, firstOffset + 1))?.record).toEqual(batches[at]![1]);
      }
      await log.trim(0, appended[13]!.firstOffset);
      expect(await log.read(0, appended[12]!.firstOffset)).toBeUndefined();
      expect((await log.read(0, appended[13]!.firstOffset))?.offset).toBe(appended[13]!.firstOffset);
    });

    it('trims: nothing before the mark is read, the mark never goes back, repeating is harmless', async () => {
      const { log } = await subject();
      for (let at = 0; at < 10; at++) await log.append(0, sampleBatch(at));
      await log.trim(0, 8);
      expect(await log.bounds(0)).toEqual({ start: 8, end: 20 });
      await log.trim(0, 8);
      await log.trim(0, 4);
      expect(await log.bounds(0)).toEqual({ start: 8, end: 20 });
      const { handler } = await member(log);
      await upTo(handler, 20);
      expect(handler.of(0).records[0]?.offset).toBe(8);
      expect(handler.of(0).resets).toBe(0);
    });

    it('lets offsets rise after everything was trimmed', async () => {
      const { log } = await subject();
      for (let at = 0; at < 3; at++) await log.append(0, sampleBatch(at));
      await log.trim(0, 6);
      expect(await log.bounds(0)).toEqual({ start: 6, end: 6 });
      expect((await log.append(0, [sampleClaim(1)])).firstOffset).toBe(6);
      expect((await contents(log)).map(({ offset }) => offset)).toEqual([6]);
    });

    it('resets a reader whose place was trimmed, and reads again from the start', async () => {
      const { log } = await subject();
      for (let at = 0; at < 5; at++) await log.append(0, sampleBatch(at));
      await log.trim(0, 6);
      const { handler } = await follower(log, [[0, 2]]);
      await upTo(handler, 10);
      expect(handler.of(0)).toMatchObject({ held: true, resets: 1 });
      expect(handler.of(0).records[0]?.offset).toBe(6);
    });

    it('refuses appends once closed', async () => {
      const { log } = await subject();
      await log.append(0, sampleBatch(1));
      await log.close();
      await expect(log.append(0, sampleBatch(2))).rejects.toThrow();
    });

    it('keeps partitions apart', async ({ skip }) => {
      const { log } = await subject();
      if (log.partitionCount < 2) skip('the log has one partition');
      const [zero, one] = await Promise.all([log.append(0, sampleBatch(0)), log.append(1, sampleBatch(1))]);
      expect([zero.firstOffset, one.firstOffset]).toEqual([0, 0]);
      expectBatch(await contents(log, 0), zero, sampleBatch(0));
      expectBatch(await contents(log, 1), one, sampleBatch(1));
      await log.trim(1, 2);
      expect(await log.bounds(0)).toEqual({ start: 0, end: 2 });
    });

    it('has after a restart all that was acknowledged, and its bounds', async ({ skip }) => {
      const { log, restart } = await subject();
      if (restart === undefined) return skip('the log does not outlive its process');
      const batches = Array.from({ length: 40 }, (_, at) => sampleBatch(at, 2000));
      const appended = await Promise.all(batches.map((batch) => log.append(0, batch)));
      await log.trim(0, 10);
      const again = await restart();
      expect(await again.bounds(0)).toEqual({ start: 10, end: 80 });
      const records = await contents(again);
      expect(records[0]?.offset).toBe(10);
      for (const at of [5, 20, 39]) expectBatch(records, appended[at]!, batches[at]!);
      const next = await again.append(0, sampleBatch(99));
      expect(next.firstOffset).toBe(80);
      expect(next.appendTime).toBeGreaterThanOrEqual(appended[39]!.appendTime);
      await again.trim(0, 82);
      const empty = await restart();
      expect(await empty.bounds(0)).toEqual({ start: 82, end: 82 });
      expect((await empty.append(0, [sampleClaim(1)])).firstOffset).toBe(82);
    });

    it('deals each partition to one member of the group, and passes it on when that one leaves', async ({ skip }) => {
      const { log, another } = await subject();
      if (another === undefined) return skip('the log has one process');
      for (let partition = 0; partition < log.partitionCount; partition++)
        await log.append(partition, sampleBatch(partition));
      const all = Array.from({ length: log.partitionCount }, (_, at) => at);
      const first = await member(log);
      await until(() => expect(first.handler.held).toEqual(all));
      const second = await member(await another());
      await until(() => {
        expect([...first.handler.held, ...second.handler.held].sort((a, b) => a - b)).toEqual(all);
        if (all.length > 1) expect(second.handler.held.length).toBeGreaterThan(0);
      });
      await first.stop();
      await until(() => expect(second.handler.held).toEqual(all));
      for (const partition of all) await upTo(second.handler, 2, partition);
    });
  });
}

/** Octets of bodies are parts of larger buffers; compared by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
