import { type Address, type AddressLiteral, type Domain, domainOf } from '@mailyard/mail';
import type { MessageId } from '@mailyard/queue';
import type { RouteDecision } from '@mailyard/smtp-routes';

/** Over how many partitions the mail for one destination is spread. */
const SPREAD = 8;

/**
 * Chooses the partition of a message, for affinity only: mail for one destination meets in a few partitions, so that
 * few workers hold connections to it. Several destinations, or a route that is not cached: by message id.
 *
 * A partition that is full is passed over, as long as another is not: no mail has to wait for one owner that lags.
 *
 * @param peek the cached answer for a recipient domain; asking further is not worth a wait
 */
export function choosePartition(
  message: MessageId,
  recipients: readonly Address[],
  partitions: number,
  peek: (domain: Domain | AddressLiteral) => RouteDecision | undefined,
  isFull: (partition: number) => boolean,
): number {
  if (partitions === 1) return 0;
  const preferred = preferredPartition(message, recipients, partitions, peek);
  for (let step = 0; step < partitions; step++) {
    const partition = (preferred + step) % partitions;
    if (!isFull(partition)) return partition;
  }
  return preferred;
}

function preferredPartition(
  message: MessageId,
  recipients: readonly Address[],
  partitions: number,
  peek: (domain: Domain | AddressLiteral) => RouteDecision | undefined,
): number {
  const spread = hash(message);
  let destination: string | undefined;
  for (const recipient of recipients) {
    const domain = domainOf(recipient);
    const decision = domain === '' ? undefined : peek(domain);
    if (decision === undefined) return spread % partitions;
    const key = decision.target.kind === 'hosts' ? JSON.stringify(decision.target) : domain;
    if (destination !== undefined && destination !== key) return spread % partitions;
    destination = key;
  }
  return destination === undefined ? spread % partitions : hash(`${destination}#${spread % SPREAD}`) % partitions;
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}
