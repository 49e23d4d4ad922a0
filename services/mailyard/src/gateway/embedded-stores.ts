import { join } from 'node:path';
import { DiskBodyStore, DiskConfigurationLog, DiskQueueLog, diskShare, OwnerLock } from '@mailyard/disk';
import { InProcessPresence, InProcessPressureBoard } from '@mailyard/memory';
import type { Settings } from '@mailyard/settings';
import { makeFolder } from '../make-folder.ts';
import { GAUGE_MS, type Stores } from './stores.ts';
import { Unwinding } from './unwinding.ts';

/** Bodies up to this size stand in the log; larger ones are files of their own. */
const INLINE_OCTETS = 262_144;

/**
 * Opens the stores of one data directory, which no other process may use meanwhile.
 *
 * @throws MtaError `STORE_LOCKED`, `STORE_DAMAGED`; Error where there is no place for them
 */
export async function openEmbeddedStores({ data, limits }: Settings): Promise<Stores> {
  const opened = new Unwinding();
  try {
    makeFolder(data);
    const lock = OwnerLock.take(data);
    opened.add(() => lock.release());
    const configurationLog = DiskConfigurationLog.open(join(data, 'configuration'));
    opened.add(() => configurationLog.close());
    const bodyStore = await DiskBodyStore.open(join(data, 'bodies'));
    opened.add(() => bodyStore.close());
    const queueLog = await DiskQueueLog.open(join(data, 'queue'));
    opened.add(() => queueLog.close());
    const pressure = new InProcessPressureBoard();
    const presence = new InProcessPresence();

    let share = await diskShare(data);
    const gauge = setInterval(() => {
      diskShare(data).then(
        (now) => {
          share = now;
        },
        () => undefined,
      );
    }, GAUGE_MS);
    opened.add(() => clearInterval(gauge));

    let tracker: ((partition: number) => number) | undefined;
    return {
      queueLog,
      bodyStore,
      configurationLog,
      presence,
      pressure,
      exclusive: true,
      inlineOctets: INLINE_OCTETS,
      localShare: () => share / limits.diskShare,
      away: () => undefined,
      // Before it has said how far it is, the tracker of this process may still need everything.
      trackerPosition: (partition) => tracker?.(partition) ?? 0,
      shareTracker: (position) => {
        tracker = position;
      },
      announce: () => Promise.resolve(),
      failed: queueLog.failed,
      close: () => opened.run(),
    };
  } catch (error) {
    await opened.run();
    throw error;
  }
}
