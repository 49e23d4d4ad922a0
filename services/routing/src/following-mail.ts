import { setTimeout as wait } from 'node:timers/promises';
import type { ConfigurationState } from '@mailyard/configuration';
import type { QueueCensus } from './ports.ts';
import { ComparedTables } from './preview.ts';

/** How far the mail that waits follows a version (I11). */
export interface FollowingMail {
  /** Waiting recipients that the version sends elsewhere. */
  readonly recipients: number;
  /** Of those, the ones that go by it. */
  readonly done: number;
  readonly isComplete: boolean;
  readonly silentOwners: readonly string[];
}

const ASK_MS = 50;

/** Asks the owners until all of them go by the version and have looked every waiting recipient up anew. */
export async function* followVersion(
  before: ConfigurationState,
  after: ConfigurationState,
  census: QueueCensus,
  signal: AbortSignal,
): AsyncGenerator<FollowingMail> {
  const { moved: recipients } = await new ComparedTables(before, after).preview({
    ...(await census.take()),
    isDown: () => undefined,
  });
  let told = -1;
  while (!signal.aborted) {
    const { version, moving, silentOwners } = await census.figures();
    // Without an owner nobody holds mail. One that is behind has moved nothing yet, whichever it is.
    const isBehind = version !== 0 && version < after.version;
    const done = isBehind ? 0 : Math.max(0, recipients - moving);
    const isComplete = !isBehind && moving === 0;
    if (isComplete || done > told) yield { recipients, done, isComplete, silentOwners };
    if (isComplete) return;
    told = done;
    await wait(ASK_MS, undefined, { signal }).catch(() => undefined);
  }
}
