import { isMtaError, type Reply, reply } from '@mailyard/mail';
import type { MessageAccepted, QueueLog, QueueRecord } from '@mailyard/queue';
import type { IngressClock } from './ports.ts';

/** How long an append whose outcome is unknown is repeated before the client hears 451 (I1). */
const REPEAT_FOR_MS = 60_000;
/** An acceptance that the log took later than this after its first try is void (I1). */
const VALID_FOR_MS = 300_000;

const AGAIN = reply(451, '4.3.0', 'Could not be queued, try again later');
const AWAY = reply(421, '4.3.2', 'Not accepting mail now, try again later');

/**
 * Appends an acceptance and tells what the client may be told (I1): 250 only once the log has it durably and in time.
 * An unknown outcome is repeated with the same message id to the same partition; the fold takes the first copy.
 */
export async function appendAcceptance(
  log: QueueLog,
  partition: number,
  records: readonly QueueRecord[],
  clock: IngressClock,
  pauseMs = 250,
): Promise<Reply> {
  const { message, at } = records[0] as MessageAccepted;
  for (;;) {
    try {
      const { appendTime } = await log.append(partition, records);
      return appendTime - at > VALID_FOR_MS ? AGAIN : reply(250, '2.0.0', `Ok: queued as ${message}`);
    } catch (error) {
      if (isMtaError(error, 'LOG_REFUSED')) return AWAY;
      if (!isMtaError(error, 'LOG_UNCERTAIN') || clock.now() - at >= REPEAT_FOR_MS) return AGAIN;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
