import { copyFile, cp, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { QueueRecord } from '@mailyard/queue';
import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { sampleBatch, sampleClaim } from '@mailyard/testkit/sample-records';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DiskQueueLog, type DiskQueueLogOptions } from './disk-queue-log.ts';
import { openSegmentFile, type SegmentFile, WriteFailure } from './segment-file.ts';

/** Machines in use are slow: only a wait without end fails. */
const until = (condition: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 5 });

const folders: string[] = [];
const logs: DiskQueueLog[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mailyard-faults-'));
  folders.push(made);
  return made;
}

async function opened(directory: string, options: DiskQueueLogOptions = {}): Promise<DiskQueueLog> {
  const log = await DiskQueueLog.open(directory, options);
  logs.push(log);
  return log;
}

/** The file being written. */
async function lastSegment(directory: string): Promise<string> {
  const names = (await readdir(join(directory, '0'))).filter((name) => name.endsWith('.log')).sort();
  return join(directory, '0', names.at(-1)!);
}

async function offsets(log: DiskQueueLog): Promise<number[]> {
  const handler = new RecordingHandler();
  const reading = await log.follow(new Map(), handler);
  const { start, end } = await log.bounds(0);
  if (end > start) await until(() => expect(handler.of(0).records.at(-1)?.offset).toBe(end - 1));
  await reading.stop();
  expect(handler.complaints).toEqual([]);
  return handler.of(0).records.map(({ offset }) => offset);
}

/** Segment files whose next write goes as the test says. */
class FaultyDisk {
  fault: ((file: SegmentFile, octets: Buffer, position: number) => Promise<void>) | undefined;
  readonly openFile: typeof openSegmentFile = async (path, create) => {
    const file = await openSegmentFile(path, create);
    return {
      ...file,
      write: (octets, position) => {
        const { fault } = this;
        this.fault = undefined;
        return fault === undefined ? file.write(octets, position) : fault(file, octets, position);
      },
    };
  };
}

function failure(code: string, written = 0): WriteFailure {
  return new WriteFailure(Object.assign(new Error(`${code}: as the test asked`), { code }), written);
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

describe('queue log on disk, power lost', () => {
  it('keeps what was acknowledged and whole batches only, wherever the last write was torn', async () => {
    const directory = await folder();
    const log = await opened(directory);
    for (let at = 0; at < 5; at++) await log.append(0, sampleBatch(at, 50));
    const path = await lastSegment(directory);
    const durable = (await stat(path)).size;
    // One write of three batches.
    await Promise.all(
      [1, 2, 3].map((count) =>
        log.append(
          0,
          Array.from({ length: count }, () => sampleClaim(count)),
        ),
      ),
    );
    const whole = await readFile(path);
    await log.close();
    const ends = new Set<number>();
    for (let cut = durable; cut <= whole.length; cut++) {
      await writeFile(path, whole.subarray(0, cut));
      const again = await DiskQueueLog.open(directory);
      const { end } = await again.bounds(0);
      expect([10, 11, 13, 16]).toContain(end);
      if (!ends.has(end)) expect(await again.append(0, [sampleClaim(1)])).toMatchObject({ firstOffset: end });
      ends.add(end);
      await again.close();
    }
    expect([...ends]).toEqual([10, 11, 13, 16]);
  });

  it('cuts a last write whose octets arrived out of order: its end without its middle', async () => {
    const directory = await folder();
    const log = await opened(directory);
    await log.append(0, sampleBatch(0, 50));
    const path = await lastSegment(directory);
    const durable = (await stat(path)).size;
    await Promise.all([1, 2, 3].map((at) => log.append(0, sampleBatch(at, 500))));
    await log.close();
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(300), 0, 300, durable + 10);
    await file.close();
    const again = await opened(directory);
    expect(await again.bounds(0)).toEqual({ start: 0, end: 2 });
    expect((await stat(path)).size).toBe(durable);
  });

  it('opens a log whose next file was not begun yet, or is still empty', async () => {
    const directory = await folder();
    const log = await opened(directory, { segmentOctets: 1 });
    await log.append(0, sampleBatch(0));
    await log.append(0, sampleBatch(1));
    await log.close();
    const path = await lastSegment(directory);
    await truncate(path, 0);
    expect(await offsets(await opened(directory))).toEqual([0, 1]);
    await logs.pop()!.close();
    await rm(path);
    const again = await opened(directory);
    expect(await offsets(again)).toEqual([0, 1]);
    expect(await again.append(0, [sampleClaim(1)])).toMatchObject({ firstOffset: 2 });
  });
});

describe('queue log on disk, damaged', () => {
  async function sample(): Promise<string> {
    const directory = await folder();
    const log = await DiskQueueLog.open(directory, { segmentOctets: 2000 });
    for (let at = 0; at < 20; at++) await log.append(0, sampleBatch(at, 200));
    await log.close();
    return directory;
  }

  async function flip(path: string, position: number): Promise<void> {
    const octets = await readFile(path);
    octets[position]! ^= 1;
    await writeFile(path, octets);
  }

  it('refuses to cut where a later write proves that the octets were durable once', async () => {
    const directory = await folder();
    const log = await DiskQueueLog.open(directory);
    for (let at = 0; at < 20; at++) await log.append(0, sampleBatch(at, 200));
    await log.close();
    await flip(await lastSegment(directory), 700);
    await expect(DiskQueueLog.open(directory)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  });

  it('refuses to open when a file in the middle is missing, shortened, or the first is', async () => {
    for (const [at, harm] of [
      [1, rm],
      [0, rm],
      [1, (path: string) => truncate(path, 100)],
    ] as const) {
      const directory = await sample();
      const names = (await readdir(join(directory, '0'))).filter((name) => name.endsWith('.log')).sort();
      expect(names.length).toBeGreaterThan(3);
      await harm(join(directory, '0', names[at]!));
      await expect(DiskQueueLog.open(directory)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    }
  });

  it('fails as a whole when a reader comes upon damage, and skips nothing', async () => {
    const directory = await sample();
    const names = (await readdir(join(directory, '0'))).filter((name) => name.endsWith('.log')).sort();
    await flip(join(directory, '0', names[1]!), 500);
    const log = await opened(directory);
    const handler = new RecordingHandler();
    await log.follow(new Map(), handler);
    expect(await log.failed).toMatchObject({ code: 'STORE_FAILED', cause: { code: 'STORE_DAMAGED' } });
    expect(await codeOf(log.append(0, [sampleClaim(1)]))).toBe('LOG_REFUSED');
    expect(await codeOf(log.read(0, 0))).toBe('STORE_FAILED');
    expect(handler.complaints).toEqual([]);
  });

  it('refuses a damaged mark of the start', async () => {
    const directory = await sample();
    await writeFile(join(directory, '0', 'start'), '12 34\n');
    await expect(DiskQueueLog.open(directory)).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
  });
});

describe('queue log on disk, trimmed', () => {
  it('removes whole files, and ends a removal that a crash cut off', async () => {
    const directory = await folder();
    const log = await opened(directory, { segmentOctets: 2000 });
    for (let at = 0; at < 20; at++) await log.append(0, sampleBatch(at, 200));
    const before = await readdir(join(directory, '0'));
    const kept = join(await folder(), 'kept');
    await cp(join(directory, '0'), kept, { recursive: true });
    await log.trim(0, 30);
    const after = await readdir(join(directory, '0'));
    expect(after.length).toBeLessThan(before.length);
    await log.close();
    for (const name of before) await copyFile(join(kept, name), join(directory, '0', name));
    const again = await opened(directory);
    expect(await again.bounds(0)).toEqual({ start: 30, end: 40 });
    expect((await readdir(join(directory, '0'))).sort()).toEqual(after.sort());
    expect((await offsets(again))[0]).toBe(30);
  });
});

describe('queue log on disk, writes that fail', () => {
  it('trusts the file no more after a failed write or sync: that append is uncertain, all else is refused', async () => {
    const disk = new FaultyDisk();
    const directory = await folder();
    const log = await opened(directory, { openFile: disk.openFile });
    await log.append(0, sampleBatch(0));
    const handler = new RecordingHandler();
    await log.follow(new Map(), handler);
    await until(() => expect(handler.of(0).records).toHaveLength(2));
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    disk.fault = async (file, octets, position) => {
      await file.write(octets, position);
      reached.resolve();
      await goOn.promise;
      throw failure('EIO', octets.length);
    };
    const uncertain = codeOf(log.append(0, sampleBatch(1)));
    await reached.promise;
    const waiting = codeOf(log.append(0, sampleBatch(2)));
    goOn.resolve();
    expect([await uncertain, await waiting]).toEqual(['LOG_UNCERTAIN', 'LOG_REFUSED']);
    expect(await log.failed).toMatchObject({ code: 'STORE_FAILED' });
    expect(await codeOf(log.append(0, sampleBatch(3)))).toBe('LOG_REFUSED');
    expect(await codeOf(log.trim(0, 1))).toBe('STORE_FAILED');
    // What is not known to be durable is shown to nobody.
    expect(handler.of(0).records).toHaveLength(2);
    await log.close();
    // It had been written after all: the next start finds it.
    expect((await (await opened(directory)).bounds(0)).end).toBe(4);
  });

  it('goes on after a write for which there was no room, when nothing of it was written', async () => {
    const disk = new FaultyDisk();
    const directory = await folder();
    const log = await opened(directory, { openFile: disk.openFile });
    await log.append(0, sampleBatch(0));
    disk.fault = async () => {
      throw failure('ENOSPC');
    };
    expect(await codeOf(log.append(0, sampleBatch(1)))).toBe('LOG_REFUSED');
    expect(await log.append(0, sampleBatch(2))).toMatchObject({ firstOffset: 2 });
    disk.fault = async (file, octets, position) => {
      await file.write(octets.subarray(0, 100), position);
      throw failure('ENOSPC', 100);
    };
    expect(await codeOf(log.append(0, sampleBatch(3)))).toBe('LOG_REFUSED');
    expect(await log.append(0, sampleBatch(4))).toMatchObject({ firstOffset: 4 });
    expect(await offsets(log)).toEqual([0, 1, 2, 3, 4, 5]);
    await log.close();
    const again = await opened(directory);
    expect(await offsets(again)).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await again.read(0, 4))?.record).toMatchObject({ message: sampleBatch(4).map(messageOf)[0] });
  });

  it('fails when there was no room only at the sync, since octets are left in the file', async () => {
    const disk = new FaultyDisk();
    const log = await opened(await folder(), { openFile: disk.openFile });
    disk.fault = async (file, octets, position) => {
      await file.write(octets, position);
      throw failure('ENOSPC');
    };
    expect(await codeOf(log.append(0, sampleBatch(1)))).toBe('LOG_UNCERTAIN');
    expect(await log.failed).toMatchObject({ code: 'STORE_FAILED' });
  });

  it('goes on when there was no room for the next file', async () => {
    const disk = new FaultyDisk();
    const directory = await folder();
    const log = await opened(directory, { openFile: disk.openFile, segmentOctets: 1000 });
    await log.append(0, sampleBatch(0, 2000));
    disk.fault = async () => {
      throw failure('ENOSPC');
    };
    expect(await codeOf(log.append(0, sampleBatch(1)))).toBe('LOG_REFUSED');
    expect(await log.append(0, sampleBatch(2))).toMatchObject({ firstOffset: 2 });
    expect(await offsets(log)).toEqual([0, 1, 2, 3]);
    await log.close();
    expect(await offsets(await opened(directory))).toEqual([0, 1, 2, 3]);
  });

  it('takes no batch that it cannot encode, and is not harmed by it', async () => {
    const log = await opened(await folder());
    const wrong = { ...sampleClaim(1), mark: -1 };
    const results = await Promise.all(
      [[sampleClaim(0)], [sampleClaim(1), wrong], [], [sampleClaim(2)]].map((batch) => codeOf(log.append(0, batch))),
    );
    expect(results).toEqual(['done', 'LOG_REFUSED', 'LOG_REFUSED', 'done']);
    expect(await offsets(log)).toEqual([0, 1]);
  });
});

describe('queue log on disk, its clock', () => {
  it('never lets append times run backwards, also over a restart', async () => {
    const directory = await folder();
    let now = 5000;
    const options = { now: () => now, segmentOctets: 1 };
    const log = await opened(directory, options);
    await log.append(0, [sampleClaim(0)]);
    now = 1000;
    expect((await log.append(0, [sampleClaim(1)])).appendTime).toBe(5000);
    await log.close();
    const again = await opened(directory, options);
    expect((await again.append(0, [sampleClaim(2)])).appendTime).toBe(5000);
    now = 6000;
    expect((await again.append(0, [sampleClaim(3)])).appendTime).toBe(6000);
  });
});

describe('readers of the queue log on disk', () => {
  it('are handed the very objects that were appended once they have caught up', async () => {
    const log = await opened(await folder());
    const handler = new RecordingHandler();
    await log.follow(new Map(), handler);
    await until(() => expect(handler.held).toEqual([0]));
    const batch = sampleBatch(1);
    await log.append(0, batch);
    await until(() => expect(handler.of(0).records).toHaveLength(2));
    expect(handler.of(0).records.every(({ record }, at) => record === batch[at])).toBe(true);
  });

  it('go back to the files when they fall far behind, and lose nothing', async () => {
    const log = await opened(await folder(), { segmentOctets: 3_000_000 });
    const gate = Promise.withResolvers<void>();
    const handler = new RecordingHandler(() => gate.promise);
    await log.follow(new Map(), handler);
    await until(() => expect(handler.held).toEqual([0]));
    for (let at = 0; at < 100; at++) await log.append(0, sampleBatch(at, 100_000));
    expect(handler.of(0).calls).toHaveLength(1);
    gate.resolve();
    await until(() => expect(handler.of(0).records).toHaveLength(200));
    expect(handler.complaints).toEqual([]);
  });

  it('come and go at random places under appends that never pause, and none is left behind', async () => {
    const log = await opened(await folder(), { segmentOctets: 200_000 });
    const over = new AbortController();
    const appenders = Array.from({ length: 5 }, async (_, own) => {
      for (let at = 0; !over.signal.aborted; at++)
        await log.append(0, sampleBatch(at, (at * 1009 * (own + 1)) % 9000, 1 + (at % 3)));
    });
    const staying: RecordingHandler[] = [];
    for (let round = 0; round < 60; round++) {
      const { end } = await log.bounds(0);
      const from = Math.floor((end * ((round * 7919) % 101)) / 100);
      // Some are slow, so that they leave the tail and come back to it.
      const handler = new RecordingHandler(
        round % 3 === 0 ? () => new Promise((resolve) => setImmediate(resolve)) : undefined,
      );
      const reading = await log.follow(new Map([[0, from]]), handler);
      await until(() => expect(handler.of(0).records[0]?.offset).toBe(from));
      if (round % 2 === 0) await reading.stop();
      else staying.push(handler);
      expect(handler.complaints).toEqual([]);
    }
    over.abort();
    await Promise.all(appenders);
    const { end } = await log.bounds(0);
    for (const handler of staying) {
      await until(() => expect(handler.of(0).records.at(-1)?.offset).toBe(end - 1));
      expect(handler.complaints).toEqual([]);
    }
  });

  it('fail the log when a handler throws: it has lost its place', async () => {
    const log = await opened(await folder());
    class Broken extends RecordingHandler {
      override records(): void {
        throw new Error('broken');
      }
    }
    await log.follow(new Map(), new Broken());
    await log.append(0, [sampleClaim(1)]);
    expect(await log.failed).toMatchObject({ message: expect.stringContaining('broken') });
  });

  it('joins one at a time', async () => {
    const log = await opened(await folder());
    const reading = await log.join(new RecordingHandler());
    await expect(log.join(new RecordingHandler())).rejects.toMatchObject({ code: 'LOG_JOINED' });
    await reading.stop();
    await (await log.join(new RecordingHandler())).stop();
  });
});

function messageOf(record: QueueRecord): unknown {
  return 'message' in record ? record.message : undefined;
}
