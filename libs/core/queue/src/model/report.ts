import type { MessageId, QueueRecord } from '../records.ts';
import { reportIdOf } from '../message-id.ts';
import type { OpenMessage } from '../open-message.ts';
import { acceptance, queued } from './simulated-ingress.ts';
import type { PartitionHome } from './roles.ts';

/** The report on a recipient, its body stored first (I9); none to the null reverse-path. */
export function reportRecords(
  partition: PartitionHome,
  message: OpenMessage,
  recipient: number,
): { readonly id: MessageId; readonly records: readonly QueueRecord[] } | undefined {
  if (message.envelope.reversePath === null) return undefined;
  const { world, log, worker } = partition;
  const id = reportIdOf(message.id, recipient);
  const body = world.bodies.store(log.partition, id, 0, world.simulation.now);
  const accepted = acceptance(id, worker.now().wall, [body], 1, 600 * 60_000);
  return {
    id,
    records: [{ ...accepted, reversePath: null, reportOf: { message: message.id, recipient } }, queued(id, 0)],
  };
}
