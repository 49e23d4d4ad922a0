import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { LoggedRecord } from '@mailyard/queue';
import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { sampleBatch } from '@mailyard/testkit/sample-records';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DiskQueueLog } from './disk-queue-log.ts';
import { OwnerLock } from './owner-lock.ts';

const FIXTURE = join(import.meta.dirname, 'crash-appender.suite.ts');
const KILLS = 30;

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'mailyard-crash-'));
  folders.push(made);
  return made;
}

/** Runs the appender until it has acknowledged so many batches, kills it, and returns all that it acknowledged. */
async function appendAndKill(directory: string, from: number, atLeast: number): Promise<Map<number, number>> {
  const child = spawn(process.execPath, [FIXTURE, directory, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const acknowledged = new Map<number, number>();
  for await (const line of createInterface({ input: child.stdout! })) {
    const [number, offset] = line.split(' ');
    if (offset === undefined) continue;
    acknowledged.set(Number(number), Number(offset));
    if (acknowledged.size === atLeast) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

async function contents(log: DiskQueueLog): Promise<LoggedRecord[]> {
  const handler = new RecordingHandler();
  const reading = await log.follow(new Map(), handler);
  const { end } = await log.bounds(0);
  await vi.waitFor(() => expect(handler.of(0).records.at(-1)?.offset).toBe(end - 1), { timeout: 20_000 });
  await reading.stop();
  expect(handler.complaints).toEqual([]);
  return handler.of(0).records;
}

describe('queue log on disk, killed', () => {
  it(`has all that was acknowledged, in order, and no torn batch, after ${KILLS} kills at random instants`, {
    timeout: 180_000,
  }, async () => {
    const directory = await folder();
    const acknowledged = new Map<number, number>();
    let next = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      for (const [number, offset] of await appendAndKill(directory, next, 1 + ((kill * 37) % 200))) {
        acknowledged.set(number, offset);
        next = Math.max(next, number + 100);
      }
    }
    // The kernel dropped the lock with the last process.
    const lock = OwnerLock.take(directory);
    const log = await DiskQueueLog.open(join(directory, 'queue'), { segmentOctets: 300_000 });
    const { start } = await log.bounds(0);
    const records = await contents(log);
    expect(records[0]?.offset).toBe(start);
    for (const [number, offset] of acknowledged) {
      if (offset < start) continue;
      const batch = sampleBatch(number, (number * 397) % 9000, 1 + (number % 4));
      for (const [at, record] of batch.entries()) {
        const logged = records[offset - start + at]!;
        expect(logged.offset).toBe(offset + at);
        expect(logged.sizeOctets).toBe(log.sizeOf(record));
        expect(logged.record).toMatchObject({ type: record.type, message: 'message' in record && record.message });
      }
    }
    // Also what was not acknowledged is there whole or not at all.
    let left = 0;
    for (const { offset, record } of records) {
      if (record.type === 'MessageAccepted') {
        expect(left, `the batch before offset ${offset} is whole`).toBe(0);
        left = record.recipientCount;
      } else if (offset - start >= 5) {
        expect(record.type).toBe('RecipientQueued');
        left -= 1;
      } else left = Math.max(0, left - 1);
    }
    expect(left).toBe(0);
    await log.close();
    lock.release();
  });
});

describe('owner lock', () => {
  it('refuses a second process at once, and is free at once after kill -9', { timeout: 60_000 }, async () => {
    const directory = await folder();
    const child = spawn(process.execPath, [FIXTURE, directory, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    await once(child.stdout!, 'data');
    const began = performance.now();
    expect(() => OwnerLock.take(directory)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }));
    expect(performance.now() - began).toBeLessThan(1000);
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    OwnerLock.take(directory).release();
  });

  it('is held until it is released, though nobody refers to it', async () => {
    const directory = await folder();
    (() => OwnerLock.take(directory))();
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    for (let i = 0; i < 3; i++) {
      await turn();
      collectGarbage();
    }
    expect(() => OwnerLock.take(directory)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }));
  });

  it('refuses a second owner in the same process, and leaves the first unharmed', async () => {
    const directory = await folder();
    const lock = OwnerLock.take(directory);
    expect(() => OwnerLock.take(directory)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }));
    expect(() => OwnerLock.take(directory)).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }));
    lock.release();
    OwnerLock.take(directory).release();
  });
});
