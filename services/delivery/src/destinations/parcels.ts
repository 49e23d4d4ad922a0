import type { MessageId, OpenMessage, OpenRecipient } from '@mailyard/queue';
import type { Parcel, Send } from './parcel.ts';
import type { Walk } from '../partitions/walks.ts';
import type { Partition } from '../partitions/partition.ts';

/**
 * Makes the parcels of one message for one destination: usually one, with a transaction for each copy (R100, R103);
 * recipients that may not go to every host, or that are to go to a certain one first, apart.
 *
 * @param recipients those that are to be sent now; at least one
 * @param most recipients of one transaction (R106)
 */
export function makeParcels(
  partition: Partition,
  message: OpenMessage,
  recipients: readonly OpenRecipient[],
  route: string,
  most: number,
  readyAt: number,
): Parcel[] {
  if (recipients.length === 1) {
    const only = recipients[0]!;
    const walk = partition.walks.take(message.id, only.recipient);
    return [makeParcel(partition, message, recipients, route, most, readyAt, walk, preferredHostOf(only))];
  }
  const groups = new Map<string, { walk: Walk | undefined; preferred: string | undefined; members: OpenRecipient[] }>();
  for (const recipient of recipients) {
    const walk = partition.walks.take(message.id, recipient.recipient);
    const preferred = preferredHostOf(recipient);
    const key = `${walk?.tried.join(' ') ?? ''} ${preferred ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { walk, preferred, members: [recipient] });
    else group.members.push(recipient);
  }
  return [...groups.values()].map(({ walk, preferred, members }) =>
    makeParcel(partition, message, members, route, most, readyAt, walk, preferred),
  );
}

/** A host that may have taken the message already is tried first: it may recognise it (D3 to D5). */
function preferredHostOf({ outcomeUnknown, lastHost }: OpenRecipient): string | undefined {
  return outcomeUnknown ? lastHost : undefined;
}

function makeParcel(
  partition: Partition,
  message: OpenMessage,
  recipients: readonly OpenRecipient[],
  route: string,
  most: number,
  readyAt: number,
  walk: Walk | undefined,
  preferredHost: string | undefined,
): Parcel {
  const { copies } = message.envelope;
  const sends = sendsOf(recipients, most);
  const first = copies[sends[0]!.copy]!;
  let { priority } = first;
  let cost = 0;
  for (const { copy } of sends) {
    const { sizeOctets, priority: its } = copies[copy]!;
    cost += sizeOctets;
    if (its > priority) priority = its;
  }
  const id: MessageId = message.id;
  const isFresh = recipients[0]!.lastRouteVersion === 0;
  return {
    partition,
    message: id,
    isFresh,
    sends,
    route,
    walk,
    preferredHost,
    policy: first.policy,
    priority,
    cost,
    readyAt,
  };
}

/** Copies in their order, recipients in that of the envelope (R94). */
function sendsOf(recipients: readonly OpenRecipient[], most: number): Send[] {
  if (recipients.length === 1) {
    const { copy, recipient } = recipients[0]!;
    return [{ copy, recipients: [recipient] }];
  }
  const byCopy = Map.groupBy(
    recipients.toSorted((a, b) => a.copy - b.copy || a.recipient - b.recipient),
    ({ copy }) => copy,
  );
  const sends: Send[] = [];
  for (const [copy, members] of byCopy)
    for (let i = 0; i < members.length; i += most)
      sends.push({ copy, recipients: members.slice(i, i + most).map(({ recipient }) => recipient) });
  return sends;
}
