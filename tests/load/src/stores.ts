/**
 * What durable appends to the embedded queue log cost: `node tests/load/src/stores.ts [SECONDS [DIRECTORY]]`.
 *
 * Prints a line for each case: appends per second, CPU time of the process (all threads) per append, octets of disk per
 * append, median and 99th percentile of the wait. Run it on the disk in question; a tmpfs tells nothing.
 */
import { close, constants, fdatasync, fstat, ftruncate, open, write } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DiskQueueLog, type DiskQueueLogOptions } from '@mailyard/disk';
import type { QueueRecord } from '@mailyard/queue';
import { sampleBatch, sampleDelivered, sampleIntended, sampleMessageId } from '@mailyard/testkit/sample-records';

const [seconds = '3', folder = tmpdir()] = process.argv.slice(2);

interface Case {
  readonly name: string;
  readonly concurrency: number;
  /** One message's appends, one after another. */
  readonly batches: (number: number) => readonly (readonly QueueRecord[])[];
  readonly options?: DiskQueueLogOptions;
  /** Followed by a reader that is handed every record. */
  readonly followed?: boolean;
}

const acceptance = (number: number): readonly QueueRecord[][] => [sampleBatch(number, 4096)];
const life = (number: number): readonly QueueRecord[][] => {
  const message = sampleMessageId(number);
  return [sampleBatch(number, 4096), [sampleIntended(message)], [sampleDelivered(message)]];
};

const cases: readonly Case[] = [
  { name: 'acceptance of 4 KiB', concurrency: 1, batches: acceptance },
  { name: 'acceptance of 4 KiB', concurrency: 20, batches: acceptance },
  { name: 'the same, write and fdatasync', concurrency: 20, batches: acceptance, options: { openFile: openUnsynced } },
  { name: 'acceptance of 4 KiB', concurrency: 100, batches: acceptance },
  { name: 'acceptance of 40 KiB', concurrency: 20, batches: (number) => [sampleBatch(number, 40_960)] },
  { name: 'acceptance, intent, delivery; followed', concurrency: 20, batches: life, followed: true },
];

/** Segment files that are written and then synced, two system calls in place of one. */
async function openUnsynced(path: string, create: boolean) {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  const fd = await promisify(open)(path, O_WRONLY | (create ? O_CREAT | O_EXCL : 0), 0o600);
  return {
    write: (octets: Buffer, position: number) =>
      new Promise<void>((resolve, reject) => {
        write(fd, octets, 0, octets.length, position, (error, count) => {
          if (error !== null || count < octets.length) return reject(error ?? new Error('a short write'));
          return fdatasync(fd, (failed) => (failed === null ? resolve() : reject(failed)));
        });
      }),
    sizeOctets: async () => (await promisify(fstat)(fd)).size,
    truncate: (sizeOctets: number) => promisify(ftruncate)(fd, sizeOctets),
    close: () => promisify(close)(fd),
  };
}

async function sizeOf(directory: string): Promise<number> {
  let octets = 0;
  for (const name of await readdir(directory)) octets += (await stat(join(directory, name))).size;
  return octets;
}

async function measure({ name, concurrency, batches, options, followed }: Case): Promise<string> {
  const directory = await mkdtemp(join(folder, 'mailyard-stores-'));
  const log = await DiskQueueLog.open(directory, options);
  if (followed === true)
    await log.follow(new Map(), { assigned: () => {}, records: () => {}, reset: () => {}, revoked: () => {} });
  // Made beforehand: what a message costs to make is not asked here.
  const messages = Array.from({ length: 200 }, (_, at) => batches(at));
  const waits: number[] = [];
  let until = Number.POSITIVE_INFINITY;
  let count = 0;
  const worker = async (first: number): Promise<void> => {
    for (let at = first; performance.now() < until; at += concurrency) {
      const began = performance.now();
      for (const batch of messages[at % messages.length]!) await log.append(0, batch);
      waits.push(performance.now() - began);
      count += 1;
    }
  };
  const work = (): Promise<unknown> => Promise.all(Array.from({ length: concurrency }, (_, first) => worker(first)));
  until = performance.now() + 500;
  await work();
  count = 0;
  waits.length = 0;
  const before = await sizeOf(join(directory, '0'));
  const cpu = process.cpuUsage();
  const began = performance.now();
  until = began + Number(seconds) * 1000;
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const wall = performance.now() - began;
  const octets = (await sizeOf(join(directory, '0'))) - before;
  await log.close();
  await rm(directory, { recursive: true });
  waits.sort((a, b) => a - b);
  const quantile = (share: number): string => waits[Math.floor(waits.length * share)]!.toFixed(2);
  return [
    name.padEnd(40),
    String(concurrency).padStart(4),
    ((count / wall) * 1000).toFixed(0).padStart(8),
    ((user + system) / count).toFixed(1).padStart(8),
    (octets / count).toFixed(0).padStart(8),
    `${quantile(0.5)} / ${quantile(0.99)}`.padStart(16),
  ].join('');
}

process.stdout.write(
  `${'case'.padEnd(40)}${'at'.padStart(4)}${'a second'.padStart(8)}${'CPU us'.padStart(8)}${'octets'.padStart(8)}${'wait ms 50/99'.padStart(16)}\n`,
);
for (const one of cases) process.stdout.write(`${await measure(one)}\n`);
