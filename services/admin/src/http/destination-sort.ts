import {
  DESTINATION_STATES,
  type DestinationColumn,
  type DestinationSort,
  type QueueDestination,
} from '@mailyard/delivery-rules';

/** In a new list; what has no figure stands last, either way round. */
export function sortDestinations(
  destinations: readonly QueueDestination[],
  sort: DestinationSort,
): readonly QueueDestination[] {
  const sign = sort.startsWith('-') ? -1 : 1;
  const column = sort.replace('-', '') as DestinationColumn;
  const keyOf = (one: QueueDestination): string | number | undefined =>
    column === 'state' ? DESTINATION_STATES.indexOf(one.state) : one[column];
  return destinations.toSorted((a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)];
    if (one === other) return a.destination < b.destination ? -1 : 1;
    if (one === undefined || other === undefined) return one === undefined ? 1 : -1;
    return one < other ? -sign : sign;
  });
}
