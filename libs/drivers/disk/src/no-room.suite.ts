/**
 * A process for tests on a file system of a few megabytes: `node no-room.suite.ts DIRECTORY`. Fills the log, makes room
 * by trimming, fills the body store, and prints what happened as JSON.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bodyKey } from '@mailyard/queue';
import { sampleBatch, sampleMessageId } from '@mailyard/testkit/sample-records';
import { DiskBodyStore } from './disk-body-store.ts';
import { DiskQueueLog } from './disk-queue-log.ts';
import { diskShare } from './disk-share.ts';

const [directory = ''] = process.argv.slice(2);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: { code: string }) => error.code,
  );

const options = { segmentOctets: 300_000 };
const queue = join(directory, 'queue');
let log = await DiskQueueLog.open(queue, options);
let end = 0;
let full = 'done';
while (full === 'done') {
  full = await codeOf(log.append(0, sampleBatch(end, 50_000)));
  if (full === 'done') end += 2;
}
const share = await diskShare(directory);
const small = await codeOf(log.append(0, sampleBatch(1, 50_000)));
await log.close();
log = await DiskQueueLog.open(queue, options);
const reopened = await log.bounds(0);
const trimmed = await codeOf(log.trim(0, end));
const after = await codeOf(log.append(0, sampleBatch(1, 50_000)));

const bodies = join(directory, 'bodies');
const store = await DiskBodyStore.open(bodies);
const key = bodyKey(0, sampleMessageId(1), 0);
const put = await codeOf(store.put(key, [Buffer.alloc(8_000_000)]));
const missing = await codeOf(store.get(key));
const left = await readdir(join(bodies, 'incoming'));
process.stdout.write(JSON.stringify({ full, small, end, share, reopened, trimmed, after, put, missing, left }));
