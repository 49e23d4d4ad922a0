import { isMtaError, type Reply, reply } from '@mailyard/mail';
import { acceptanceHolds, type MessageAccepted, type QueueLog, type QueueRecord } from '@mailyard/queue';
import type { IngressClock } from './ports.ts';

/** How long an append whose outcome is unknown is repeated before the client hears 451 (I1). */
const REPEAT_FOR_MS = 60_000;
/** How long a refused one is: a partition whose leader died has another within seconds, and no client need notice. */
const REFUSED_FOR_MS = 8_000;

const AGAIN = reply(451, '4.3.0', 'Could not be queued, try again later');
const AWAY = reply(421, '4.3.2', 'Not accepting mail now, try again later');

/**
 * Appends an acceptance and tells what the client may be told (I1): 250 only once the log has it durably and in time.
 *
 * An unknown outcome is repeated with the same message id to the same partition; the fold takes the first copy. Once one
 * try is unknown the message may be queued, so that a refusal of a later try settles nothing and is repeated as well. A
 * certain refusal is repeated for a few seconds only, then the client hears 421 (row 12: within 10 s).
 *
 * @param pauseMs between two tries
 */
export async function appendAcceptance(
  log: QueueLog,
  partition: number,
  records: readonly QueueRecord[],
  clock: IngressClock,
  pauseMs = 250,
): Promise<Reply> {
  const { message, at } = records[0] as MessageAccepted;
  let uncertain = false;
  for (;;) {
    try {
      const { appendTime } = await log.append(partition, records);
      return acceptanceHolds(at, appendTime) ? reply(250, '2.0.0', `Ok: queued as ${message}`) : AGAIN;
    } catch (error) {
      uncertain ||= isMtaError(error, 'LOG_UNCERTAIN');
      const isRefused = isMtaError(error, 'LOG_REFUSED');
      if (!uncertain && !isRefused) return AGAIN;
      if (clock.now() - at >= (uncertain ? REPEAT_FOR_MS : REFUSED_FOR_MS)) return uncertain ? AGAIN : AWAY;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
