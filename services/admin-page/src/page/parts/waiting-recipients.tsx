import type { WaitingRecipient } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { When } from './when.tsx';

/** Recipients that wait; each leads to what happened to it. */
export function WaitingRecipients({ recipients }: { readonly recipients: readonly WaitingRecipient[] }) {
  const { queue: words, common } = useWords();
  if (recipients.length === 0) return <p class="quiet">{words.noRecipients}</p>;
  return (
    <div class="scroll">
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">{words.recipient}</th>
            <th scope="col">{words.sender}</th>
            <th scope="col">{words.accepted}</th>
            <th scope="col">{words.due}</th>
            <th scope="col">{words.expires}</th>
            <th scope="col" class="number">
              {words.retries}
            </th>
            <th scope="col">{words.lastHost}</th>
          </tr>
        </thead>
        <tbody>
          {recipients.map((one) => (
            <tr key={`${one.message} ${one.recipient}`}>
              <th scope="row" class="break">
                <a href={addressOf(['monitor', 'tracking', one.message], { recipient: one.recipient })}>
                  {one.forwardPath}
                </a>
                {one.outcomeUnknown ? (
                  <>
                    {' '}
                    <span class="tag changed">{words.outcomeUnknown}</span>
                  </>
                ) : null}
              </th>
              <td class="break">{one.reversePath ?? common.nullPath}</td>
              <td>
                <When at={one.acceptedAt} />
              </td>
              <td>
                <When at={one.dueAt} />
              </td>
              <td>
                <When at={one.expiresAt} />
              </td>
              <td class="number">{one.retries}</td>
              <td class="break">{one.lastHost ?? '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
