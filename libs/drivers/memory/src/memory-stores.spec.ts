import { describeBodyStore } from '@mailyard/testkit/body-store.suite';
import { describeConfigurationLog } from '@mailyard/testkit/configuration-log.suite';
import { describe, expect, it } from 'vitest';
import { InProcessPresence } from './in-process-presence.ts';
import { InProcessPressureBoard } from './in-process-pressure-board.ts';
import { MemoryBodyStore } from './memory-body-store.ts';
import { MemoryConfigurationLog } from './memory-configuration-log.ts';

describeConfigurationLog('memory', async () => {
  const log = new MemoryConfigurationLog();
  return { log, dispose: () => log.close() };
});

describeBodyStore(
  'memory',
  async () => {
    const store = new MemoryBodyStore();
    return { store, dispose: () => store.close() };
  },
  { largeOctets: 4_194_304, bounded: false },
);

describe('pressure board in one process', () => {
  it('counts a partition without a figure of the last ten seconds as 70 % (R81)', () => {
    let now = 0;
    const board = new InProcessPressureBoard(() => now);
    expect(board.read(0)).toBe(0.7);
    board.publish(0, 0.1);
    now = 10_000;
    expect(board.read(0)).toBe(0.1);
    now = 10_001;
    expect(board.read(0)).toBe(0.7);
    board.publish(0, 0.9);
    expect([board.read(0), board.read(1)]).toEqual([0.9, 0.7]);
  });
});

describe('presence in one process', () => {
  it('knows every other incarnation to be gone, unless a test says otherwise', async () => {
    const presence = new InProcessPresence();
    expect(await presence.read('other')).toBe('absent');
    presence.set('other', 'unknown');
    expect(await presence.read('other')).toBe('unknown');
  });
});
