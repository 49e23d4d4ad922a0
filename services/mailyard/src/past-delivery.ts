import type { Event } from '@mailyard/contracts/tracking';
import { type GrpcTarget, QueueClient } from '@mailyard/grpc';

const RECIPIENTS_NAMED = 10;

/** What became of a recipient the last time that it was dealt with by a route. */
export interface PastDelivery {
  /** Its forward-path. */
  readonly recipient: string;
  /** Of the route table that it went by. */
  readonly version: number;
  readonly event: Event;
}

/**
 * Looks a delivery up in the tracker.
 *
 * @param key a message id or whatever else names one message to `trace`
 * @param recipient its forward-path; undefined when the message has one recipient only
 * @returns why there is none, in words
 * @throws CallRefusal
 */
export async function findDelivery(
  target: GrpcTarget,
  key: string,
  recipient: string | undefined,
): Promise<PastDelivery | string> {
  const client = new QueueClient(target);
  try {
    const { events } = await client.trace({ key, limit: 2 });
    return chooseDelivery(events, key, recipient);
  } finally {
    client.close();
  }
}

/** The last event of a recipient that a route had a part in, of the events of one message in order. */
export function chooseDelivery(
  events: readonly Event[],
  key: string,
  recipient: string | undefined,
): PastDelivery | string {
  const messages = new Set(events.map(({ message }) => message));
  if (messages.size === 0) return `nothing is known of ${JSON.stringify(key)}`;
  if (messages.size > 1) return `${JSON.stringify(key)} names several messages; take the message id of one`;
  const paths = new Map<string, string>();
  for (const { recipients } of events)
    for (const { forwardPath } of recipients) if (forwardPath !== '') paths.set(forwardPath.toLowerCase(), forwardPath);
  const wanted = recipient?.toLowerCase() ?? (paths.size === 1 ? [...paths.keys()][0] : undefined);
  if (wanted === undefined) {
    const named = [...paths.values()].slice(0, RECIPIENTS_NAMED).join(', ');
    return `the message has ${paths.size} recipients; say which with --recipient: ${named}`;
  }
  const path = paths.get(wanted);
  if (path === undefined) return `${JSON.stringify(recipient)} is no recipient of that message`;
  const event = events.findLast(
    ({ counted, routeVersion, recipients }) =>
      counted && (routeVersion ?? 0) > 0 && recipients.some(({ forwardPath }) => forwardPath.toLowerCase() === wanted),
  );
  if (event === undefined) return `no delivery to ${path} was tried yet`;
  return { recipient: path, version: event.routeVersion!, event };
}
