import type { QueueDestination } from '@mailyard/delivery-rules';

/** What destinations are sorted by; with a hyphen the other way round. */
export const DESTINATION_COLUMNS = [
  'destination',
  'waiting',
  'underway',
  'connections',
  'delivered',
  'softBounced',
  'hardBounced',
  'state',
  'nextAttemptAt',
  'oldestAt',
] as const;
export type DestinationColumn = (typeof DESTINATION_COLUMNS)[number];
export type DestinationSort = DestinationColumn | `-${DestinationColumn}`;

const STATES = ['down', 'unknown', 'up'];

/** In a new list; what has no figure stands last, either way round. */
export function sortDestinations(
  destinations: readonly QueueDestination[],
  sort: DestinationSort,
): readonly QueueDestination[] {
  const sign = sort.startsWith('-') ? -1 : 1;
  const column = sort.replace('-', '') as DestinationColumn;
  const keyOf = (one: QueueDestination): string | number | undefined =>
    column === 'state' ? STATES.indexOf(one.state) : one[column];
  return destinations.toSorted((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    if (one === other) return a.destination < b.destination ? -1 : 1;
    if (one === undefined || other === undefined) return one === undefined ? 1 : -1;
    return one < other ? -sign : sign;
  });
}
