import type { ShownRecipient } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { ReplyText } from './reply-text.tsx';
import { When } from './when.tsx';

/** The recipients of one message that wait: where to, when next, and what came of the last try (R212). */
export function MessageRecipients({ recipients }: { readonly recipients: readonly ShownRecipient[] }) {
  const { queue: words, tracking, routes, common } = useWords();
  return (
    <div class="scroll">
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">{words.recipient}</th>
            <th scope="col">{words.due}</th>
            <th scope="col">{words.destination}</th>
            <th scope="col" class="number">
              {words.retries}
            </th>
            <th scope="col">{words.reply}</th>
            <th scope="col">{tracking.route}</th>
            <th scope="col">{words.expires}</th>
          </tr>
        </thead>
        <tbody>
          {recipients.map(({ recipient, forwardPath, underwayTo, dueAt, destination, retries, ...one }) => (
            <tr key={recipient}>
              <th scope="row" class="break">
                {forwardPath} {one.outcomeUnknown ? <span class="tag changed">{words.outcomeUnknown}</span> : null}
              </th>
              <td class="break">{underwayTo === undefined ? <When at={dueAt} /> : tracking.beingSentTo(underwayTo)}</td>
              <td class="break">
                {destination === undefined ? (
                  '–'
                ) : (
                  <a href={addressOf(['monitor', 'queue', destination])}>{destination}</a>
                )}
              </td>
              <td class="number">{retries}</td>
              <td>
                <ReplyText reply={one.lastTry?.reply} />
              </td>
              <td class="break">
                {one.lastTry?.route === undefined
                  ? '–'
                  : one.lastTry.route === 'ALL'
                    ? routes.default
                    : one.lastTry.route === 'DNS'
                      ? tracking.noRoute
                      : one.lastTry.route}
                {one.lastTry?.routeVersion === undefined ? null : ` (${common.version(one.lastTry.routeVersion)})`}
              </td>
              <td>
                <When at={one.expiresAt} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
