import { type routingWire as wire, writeMode, writeSection } from '@mailyard/contracts';
import type { ConfigurationFollower } from './configuration-follower.ts';
import type { Advance } from './recent-changes.ts';

/** A sign of life: a watcher that hears nothing for three of these takes the connection for dead. */
const POSITION_MS = 5_000;
/** A version that changed more entries is told of as one that may concern every domain. */
const DOMAINS_TOLD = 50_000;
/** A watcher that falls this far behind begins anew instead of being remembered for. */
const QUEUE_LIMIT = 200;

/**
 * What a watcher is told: where the table stands, what it missed or that it must begin anew, then every version as it
 * is committed.
 *
 * @throws MtaError `CONFIGURATION_NOT_READY`
 */
export async function* watchChanges(
  follower: ConfigurationFollower,
  version: number,
  hash: string,
  signal: AbortSignal,
): AsyncGenerator<wire.WatchResponse> {
  follower.demand();
  let queue: wire.WatchResponse[] = [];
  let wake = (): void => {};
  const stopListening = follower.listen({
    advanced: (advance) => {
      queue =
        queue.length < QUEUE_LIMIT
          ? [...queue, { event: { $case: 'changed', value: writeAdvance(advance) } }]
          : [reset(follower)];
      wake();
    },
    restarted: () => {
      queue = [reset(follower)];
      wake();
    },
  });
  const stop = (): void => wake();
  signal.addEventListener('abort', stop);
  try {
    yield* begin(follower, version, hash);
    while (!signal.aborted) {
      const next = queue;
      queue = [];
      yield* next;
      if (queue.length > 0 || signal.aborted) continue;
      const isQuiet = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(true), POSITION_MS);
        wake = () => {
          clearTimeout(timer);
          resolve(false);
        };
      });
      if (isQuiet) yield position(follower);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stopListening();
  }
}

function* begin(follower: ConfigurationFollower, version: number, hash: string): Iterable<wire.WatchResponse> {
  const { state } = follower.demand();
  if (state.version === version && state.hash === hash) {
    yield position(follower);
    return;
  }
  const missed = version === 0 ? undefined : follower.recent.after(version, hash);
  if (missed === undefined) yield reset(follower);
  else for (const advance of missed) yield { event: { $case: 'changed', value: writeAdvance(advance) } };
}

function position(follower: ConfigurationFollower): wire.WatchResponse {
  const { lineage, version, hash } = follower.demand().state;
  return { event: { $case: 'position', value: { lineage, version, hash } } };
}

function reset(follower: ConfigurationFollower): wire.WatchResponse {
  const { lineage, version, hash } = follower.demand().state;
  return { event: { $case: 'reset', value: { lineage, version, hash } } };
}

function writeAdvance({ version, hash, changes, sections, at }: Advance): wire.Changed {
  const isWide = changes.isOtherMode || changes.receivingDomains.length > DOMAINS_TOLD;
  return {
    version,
    hash,
    receivingDomains: isWide ? [] : [...changes.receivingDomains],
    mode: writeMode(changes.mode),
    allDomains: isWide,
    sections: sections.map(writeSection),
    committedAt: at,
  };
}
