import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeQueueLog, type QueueLogSubject } from '@mailyard/testkit/queue-log.suite';
import { DiskQueueLog, type DiskQueueLogOptions } from './disk-queue-log.ts';

async function subject(options: DiskQueueLogOptions): Promise<QueueLogSubject> {
  const directory = await mkdtemp(join(tmpdir(), 'mailyard-log-'));
  let log = await DiskQueueLog.open(directory, options);
  return {
    log,
    restart: async () => {
      await log.close();
      log = await DiskQueueLog.open(directory, options);
      return log;
    },
    dispose: async () => {
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeQueueLog('disk', () => subject({}));
describeQueueLog('disk, three partitions, segments of 4 kB', () => subject({ partitionCount: 3, segmentOctets: 4000 }));
