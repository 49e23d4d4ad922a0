import type { MessageSummary, RecipientState as State } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { When } from './when.tsx';

const SHOWN = 5;

/** Messages that a search found. */
export function MessageTable({ messages }: { readonly messages: readonly MessageSummary[] }) {
  const { tracking: words, common } = useWords();
  return (
    <div class="scroll">
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">{words.message}</th>
            <th scope="col">{words.accepted}</th>
            <th scope="col">{words.sender}</th>
            <th scope="col">{words.recipients}</th>
          </tr>
        </thead>
        <tbody>
          {messages.map(({ message, acceptedAt, reversePath, headerMessageId, recipients }) => (
            <tr key={message}>
              <th scope="row" class="break">
                <a href={addressOf(['monitor', 'tracking', message])}>{message}</a>
                {headerMessageId === undefined ? null : <small class="line clamp">{headerMessageId}</small>}
              </th>
              <td>
                <When at={acceptedAt} />
              </td>
              <td class="break">{reversePath ?? common.nullPath}</td>
              <td>
                <ul class="recipients">
                  {recipients.slice(0, SHOWN).map(({ recipient, forwardPath, state, outcomeUnknown }) => (
                    <li key={recipient}>
                      <a class="break" href={addressOf(['monitor', 'tracking', message], { recipient })}>
                        {forwardPath}
                      </a>{' '}
                      <RecipientState state={state} isUnknown={outcomeUnknown} />
                    </li>
                  ))}
                  {recipients.length > SHOWN ? <li>{words.moreRecipients(recipients.length - SHOWN)}</li> : null}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Where a recipient stands; an unknown outcome is named as such. */
export function RecipientState({ state, isUnknown }: { readonly state: State; readonly isUnknown: boolean }) {
  const { recipientStates, queue } = useWords();
  return (
    <>
      <span class={`tag ${state}`}>{recipientStates[state]}</span>
      {isUnknown ? <span class="tag changed">{queue.outcomeUnknown}</span> : null}
    </>
  );
}
