import { useState } from 'preact/hooks';
import { listOldest } from '../api/calls.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { Problem } from './notice.tsx';
import { OwnersNotice } from './owners-notice.tsx';
import { useLoad } from './use-load.ts';
import { When } from './when.tsx';

const SHOWN = 10;

/** The messages that have waited longest, when they are asked for: the gateway looks at all that wait (R212). */
export function OldestMessages({ destination }: { readonly destination?: string }) {
  const { queue: words } = useWords();
  const [isOpen, setOpen] = useState(false);
  return (
    <section aria-labelledby="oldest">
      <h2 id="oldest">{words.oldestMessages}</h2>
      <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {isOpen ? words.hideOldest : words.showOldest}
      </button>
      {isOpen ? <Messages destination={destination} /> : null}
    </section>
  );
}

function Messages({ destination }: { readonly destination: string | undefined }) {
  const { queue: words, common } = useWords();
  const { value, problem } = useLoad(destination ?? '', () => listOldest(SHOWN, destination));
  if (value === undefined)
    return problem === undefined ? <p class="quiet">{common.loading}</p> : <Problem problem={problem} />;
  return (
    <>
      <OwnersNotice silentOwners={value.silentOwners} />
      {value.messages.length === 0 ? (
        <p class="quiet">{words.noRecipients}</p>
      ) : (
        <div class="scroll">
          <table class="dense">
            <thead>
              <tr>
                <th scope="col">{words.message}</th>
                <th scope="col">{words.accepted}</th>
                <th scope="col">{words.sender}</th>
                <th scope="col">{words.recipient}</th>
                <th scope="col">{words.due}</th>
              </tr>
            </thead>
            <tbody>
              {value.messages.map(({ message, acceptedAt, reversePath, forwardPath, waiting, nextAttemptAt }) => (
                <tr key={message}>
                  <th scope="row" class="break">
                    <a href={addressOf(['monitor', 'tracking', message])}>{message}</a>
                  </th>
                  <td>
                    <When at={acceptedAt} />
                  </td>
                  <td class="break">{reversePath ?? common.nullPath}</td>
                  <td class="break">
                    {forwardPath} {waiting > 1 ? words.moreDomains(waiting - 1) : null}
                  </td>
                  <td>
                    <When at={nextAttemptAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
