import { RecordingHandler } from '@mailyard/testkit/recording-handler';
import { describeQueueLog } from '@mailyard/testkit/queue-log.suite';
import { sampleClaim } from '@mailyard/testkit/sample-records';
import { describe, expect, it, vi } from 'vitest';
import { type AppendFault, MemoryQueueLog } from './memory-queue-log.ts';

/** Machines in use are slow: only a wait without end fails. */
const until = (condition: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 5 });

describeQueueLog('memory', async () => {
  const log = new MemoryQueueLog({ partitionCount: 3 });
  return { log, another: async () => log, dispose: () => log.close() };
});

describe('queue log in memory', () => {
  it('fails an append as it is told, and lets it land or not', async () => {
    const faults: (AppendFault | undefined)[] = [];
    const log = new MemoryQueueLog({ fault: () => faults.shift() });
    faults.push({ error: 'LOG_UNCERTAIN', lands: true }, { error: 'LOG_UNCERTAIN' }, { error: 'LOG_REFUSED' });
    for (const code of ['LOG_UNCERTAIN', 'LOG_UNCERTAIN', 'LOG_REFUSED'])
      await expect(log.append(0, [sampleClaim(1)])).rejects.toMatchObject({ code });
    expect(await log.bounds(0)).toEqual({ start: 0, end: 1 });
    const late = Promise.withResolvers<void>();
    faults.push({ error: 'LOG_UNCERTAIN', lands: late.promise });
    await expect(log.append(0, [sampleClaim(2)])).rejects.toMatchObject({ code: 'LOG_UNCERTAIN' });
    await log.append(0, [sampleClaim(3)]);
    late.resolve();
    await until(async () => expect((await log.bounds(0)).end).toBe(3));
  });

  it('deals partitions by hand, and calls an abandoned member no more', async () => {
    const log = new MemoryQueueLog({ partitionCount: 2 });
    const [one, two] = [new RecordingHandler(), new RecordingHandler()];
    const first = await log.join(one);
    const second = await log.join(two);
    await until(() => expect([one.held, two.held]).toEqual([[0], [1]]));
    await log.deal(0, second);
    await until(() => expect([one.held, two.held]).toEqual([[], [0, 1]]));
    await log.abandon(second);
    await until(() => expect(one.held).toEqual([0, 1]));
    two.over();
    await log.append(0, [sampleClaim(1)]);
    await until(() => expect(one.of(0).records).toHaveLength(1));
    await first.stop();
    expect([...one.complaints, ...two.complaints]).toEqual([]);
  });
});
