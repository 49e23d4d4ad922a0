import type { Destination } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { HostState } from './host-state.tsx';
import { ReplyText } from './reply-text.tsx';
import { SortHeader } from './sort-header.tsx';
import { spanText } from './when.tsx';

/** Destinations as `tophosts` shows them (R213). */
export function DestinationTable({
  destinations,
  sort,
  onSort,
}: {
  readonly destinations: readonly Destination[];
  readonly sort?: string;
  /** Absent: the order is fixed. */
  readonly onSort?: (sort: string) => void;
}) {
  const words = useWords();
  const { queue } = words;
  const now = Date.now();
  const head = (name: string, title: string, isNumber = true) =>
    onSort === undefined ? (
      <th scope="col" class={isNumber ? 'number' : ''}>
        {title}
      </th>
    ) : (
      <SortHeader name={name} title={title} sort={sort ?? ''} onSort={onSort} isNumber={isNumber} />
    );
  return (
    <div class="scroll">
      <table class="dense">
        <thead>
          <tr>
            {head('destination', queue.destination, false)}
            {head('state', queue.state, false)}
            {head('waiting', queue.waiting)}
            {head('underway', queue.underway)}
            {head('connections', queue.connections)}
            {head('delivered', queue.delivered)}
            {head('softBounced', queue.softBounced)}
            {head('hardBounced', queue.hardBounced)}
            {head('nextAttemptAt', queue.next)}
            {head('oldestAt', queue.oldest)}
            <th scope="col">{queue.reply}</th>
          </tr>
        </thead>
        <tbody>
          {destinations.map((one) => (
            <tr key={one.destination}>
              <th scope="row" class="break">
                <a href={addressOf(['monitor', 'queue', one.destination])}>{one.destination}</a>
              </th>
              <td>
                <HostState state={one.state} />
              </td>
              <td class="number">{one.waiting.toLocaleString()}</td>
              <td class="number">{one.underway.toLocaleString()}</td>
              <td class="number">{one.connections.toLocaleString()}</td>
              <td class="number">{one.delivered.toLocaleString()}</td>
              <td class="number">{one.softBounced.toLocaleString()}</td>
              <td class="number">{one.hardBounced.toLocaleString()}</td>
              <td class="number">
                {one.nextAttemptAt === undefined
                  ? '–'
                  : one.nextAttemptAt <= now
                    ? queue.now
                    : spanText(one.nextAttemptAt - now, words)}
              </td>
              <td class="number">{one.oldestAt === undefined ? '–' : spanText(now - one.oldestAt, words)}</td>
              <td>
                <ReplyText reply={one.lastReply} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
