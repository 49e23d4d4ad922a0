/** The whole open state of an old message again, so that the log can be trimmed (I7). */
import type { LogTimes } from './log-times.ts';
import type { OpenMessage, StoredReference } from './open-message.ts';
import type { Decision, MessageId, MessageRestated } from './records.ts';
import type { PartitionState } from './state.ts';

const RECENT_MS = 600_000;

/**
 * The messages to restate, longest without a full state first: those behind which the log holds more than twice the
 * live octets and ten minutes of traffic.
 *
 * @param skip messages that cannot be restated now
 */
export function restatementsDue(
  state: PartitionState,
  times: LogTimes,
  limit: number,
  skip: (message: MessageId) => boolean,
): MessageId[] {
  const allowed = 2 * state.messages.liveOctets + times.trafficWithin(state, RECENT_MS);
  const due: MessageId[] = [];
  for (const { id, fullStatePosition } of state.messages) {
    if (due.length >= limit || state.position - fullStatePosition <= allowed) break;
    if (!skip(id)) due.push(id);
  }
  return due;
}

/** The restatement of a message. Bodies that the log held must be in the store by now (I12). */
export function restatementOf(
  message: OpenMessage,
  bodies: readonly StoredReference[],
  decision: Decision,
): MessageRestated {
  return {
    type: 'MessageRestated',
    message: message.id,
    decision,
    accepted: { ...message.envelope, type: 'MessageAccepted', message: message.id, bodies },
    recipients: [...message.recipients.values()],
    attempts: message.attempts.map(({ attempt, incarnation, recipients, host }) => ({
      attempt,
      incarnation,
      host,
      recipients: [...recipients],
    })),
  };
}
