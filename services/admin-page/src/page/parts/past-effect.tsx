import { useState } from 'preact/hooks';
import { previewPast } from '../api/calls.ts';
import type { Refusal } from '../api/client.ts';
import type { PastMail } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { Notice, Problem } from './notice.tsx';
import { When } from './when.tsx';

/** What pending routes would have done with the mail of the last day; looked up when it is asked for. */
export function PastEffect() {
  const { past: words } = useWords();
  const [past, setPast] = useState<PastMail>();
  const [problem, setProblem] = useState<Refusal>();
  const [isBusy, setBusy] = useState(false);
  const look = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    try {
      setPast(await previewPast());
    } catch (error) {
      setProblem(error as Refusal);
    }
    setBusy(false);
  };
  return (
    <section aria-labelledby="past">
      <h2 id="past">{words.title}</h2>
      <Problem problem={problem} />
      {past === undefined ? null : <PastFigures past={past} />}
      <button type="button" disabled={isBusy} onClick={() => void look()}>
        {isBusy ? words.looking : words.look}
      </button>
    </section>
  );
}

function PastFigures({ past }: { readonly past: PastMail }) {
  const { past: words, commit } = useWords();
  const { recipients, moved, discarded, domains, changes, from, cut } = past;
  return (
    <>
      <p role="status">{words.moved(moved, recipients)}</p>
      <p class="hint">
        {words.since} <When at={from} />
        {cut === undefined ? null : ` – ${words.cuts[cut]}`}
      </p>
      {discarded > 0 ? <Notice tone="bad">{words.discarded(discarded)}</Notice> : null}
      {changes.length === 0 ? null : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.domain}</th>
                <th scope="col">{commit.from}</th>
                <th scope="col">{commit.to}</th>
                <th scope="col">{words.row}</th>
                <th scope="col" class="number">
                  {commit.recipients}
                </th>
              </tr>
            </thead>
            <tbody>
              {changes.map(({ domain, rowAfter, examples, ...change }) => (
                <tr key={domain}>
                  <th scope="row" class="break" title={examples.join(', ')}>
                    {domain}
                  </th>
                  <td class="break">{change.from}</td>
                  <td class="break">{change.to}</td>
                  <td class="break">{rowAfter}</td>
                  <td class="number">{change.recipients.toLocaleString()}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {domains > changes.length ? <p class="hint">{commit.shown(changes.length, domains)}</p> : null}
    </>
  );
}
