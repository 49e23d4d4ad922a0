import type { WaitingMail } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Notice } from './notice.tsx';
import { When } from './when.tsx';

/** What a change does to the mail that waits. */
export function WaitingEffect({ waiting }: { readonly waiting: WaitingMail | undefined }) {
  const { commit } = useWords();
  if (waiting === undefined) return <p class="quiet">{commit.noEffect}</p>;
  return (
    <>
      {waiting.silentOwners.length === 0 ? null : (
        <Notice tone="warning">{commit.atLeast(waiting.silentOwners.length, waiting.silentOwners.join(', '))}</Notice>
      )}
      <p>{commit.moved(waiting.moved, waiting.waiting)}</p>
      <p class="hint">
        {commit.countedAt} <When at={waiting.countedAt} />
      </p>
      {waiting.freed > 0 ? <Notice tone="good">{commit.freed(waiting.freed)}</Notice> : null}
      {waiting.stranded > 0 ? <Notice tone="warning">{commit.stranded(waiting.stranded)}</Notice> : null}
      {waiting.discarded > 0 ? <Notice tone="bad">{commit.discarded(waiting.discarded)}</Notice> : null}
      {waiting.moves.length === 0 ? null : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{commit.from}</th>
                <th scope="col">{commit.to}</th>
                <th scope="col" class="number">
                  {commit.recipients}
                </th>
              </tr>
            </thead>
            <tbody>
              {waiting.moves.map(({ from, to, recipients }) => (
                <tr key={`${from} ${to}`}>
                  <td class="break">{from}</td>
                  <td class="break">{to}</td>
                  <td class="number">{recipients.toLocaleString()}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
