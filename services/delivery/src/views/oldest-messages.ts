import type { QueueMessage } from '@mailyard/delivery-rules';
import type { MessageId, OpenRecipient } from '@mailyard/queue';
import { Pace } from '@mailyard/telemetry';
import type { Binding } from '../destinations/binding.ts';
import type { Bindings } from '../destinations/bindings.ts';
import type { Partition } from '../partitions/partition.ts';
import { messageRow } from './message-detail.ts';

/** A message among the oldest so far. */
interface Found {
  readonly id: MessageId;
  readonly partition: Partition;
}

/**
 * The messages that have waited longest (R212). Every message is glanced at: those that were restated stand nearer the
 * head of the log than younger ones. Ids tell who is older without a look at the envelope.
 *
 * @param domains only messages with recipients of these; undefined for all
 */
export async function oldestMessages(
  partitions: Iterable<Partition>,
  domains: readonly Binding[] | undefined,
  bindings: Bindings,
  limit: number,
): Promise<readonly QueueMessage[]> {
  const wanted = domains === undefined ? undefined : new Set(domains);
  const found: Found[] = [];
  const pace = new Pace();
  for (const partition of partitions)
    for (const { id, gateway, recipients } of partition.owner.state.messages.glance()) {
      if (pace.isOver) await pace.rest();
      if (found.length >= limit && id >= found.at(-1)!.id) continue;
      if (wanted !== undefined && !hasRecipientOf(wanted, recipients, gateway, bindings)) continue;
      let at = found.length;
      while (at > 0 && id < found[at - 1]!.id) at -= 1;
      found.splice(at, 0, { id, partition });
      if (found.length > limit) found.pop();
    }
  return found.flatMap(({ id, partition }) => {
    // It may have been restated since, or have come to its end.
    const { messages } = partition.owner.state;
    const offset = messages.offsetOf(id);
    const message = offset === undefined ? undefined : messages.peek(offset);
    return message === undefined ? [] : [messageRow([partition.number, message])];
  });
}

function hasRecipientOf(
  wanted: ReadonlySet<Binding>,
  recipients: Iterable<OpenRecipient>,
  gateway: string | undefined,
  bindings: Bindings,
): boolean {
  for (const { forwardPath } of recipients) if (wanted.has(bindings.ofPath(forwardPath, gateway))) return true;
  return false;
}
