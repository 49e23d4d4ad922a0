/**
 * A process for crash tests: `node crash-appender.suite.ts DIRECTORY FROM`. Holds the lock, appends batches numbered from
 * FROM on, many at once, and prints `<number> <first offset>` for each that was acknowledged.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { sampleBatch } from '@mailyard/testkit/sample-records';
import { DiskQueueLog } from './disk-queue-log.ts';
import { OwnerLock } from './owner-lock.ts';

const [directory = '', from = '0'] = process.argv.slice(2);
OwnerLock.take(directory);
const log = await DiskQueueLog.open(join(directory, 'queue'), { segmentOctets: 300_000 });
let number = Number(from);
writeSync(1, 'open\n');

async function appendForever(): Promise<never> {
  for (;;) {
    const own = number++;
    const { firstOffset } = await log.append(0, sampleBatch(own, (own * 397) % 9000, 1 + (own % 4)));
    writeSync(1, `${own} ${firstOffset}\n`);
    if (own % 97 === 0) await log.trim(0, Math.max(0, firstOffset - 2000));
  }
}

await Promise.all(Array.from({ length: 20 }, appendForever));
