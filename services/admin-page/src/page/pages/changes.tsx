import { useState } from 'preact/hooks';
import { listChanges } from '../api/calls.ts';
import type { Change } from '../api/values.ts';
import { addressOf, go } from '../parts/address.ts';
import { Field } from '../parts/field.tsx';
import { Problem } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { useLoad } from '../parts/use-load.ts';
import { When } from '../parts/when.tsx';
import { useWords } from '../words/words.ts';

/** Who changed what, when and why. */
export function ChangesPage() {
  const { changes: words, menu, common } = useWords();
  const [older, setOlder] = useState<{ readonly changes: readonly Change[]; readonly next: number | undefined }>();
  const { value, problem } = useLoad('', () => listChanges());
  const changes = [...(value?.changes ?? []), ...(older?.changes ?? [])];
  const next = older === undefined ? value?.nextBefore : older.next;
  const more = async (): Promise<void> => {
    const page = await listChanges(next);
    setOlder({ changes: [...(older?.changes ?? []), ...page.changes], next: page.nextBefore });
  };
  return (
    <>
      <PageHead place={[menu.system]} title={words.title} />
      <Problem problem={problem} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value?.changes.length === 0 ? <p>{words.none}</p> : null}
      {changes.length === 0 ? null : (
        <>
          <Compare newest={changes[0]!.version} />
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col" class="number">
                    {words.version}
                  </th>
                  <th scope="col">{words.when}</th>
                  <th scope="col">{words.author}</th>
                  <th scope="col">{words.comment}</th>
                  <th scope="col" class="number">
                    {words.edits}
                  </th>
                </tr>
              </thead>
              <tbody>
                {changes.map(({ version, committedAt, author, reason, operationCount }) => (
                  <tr key={version}>
                    <th scope="row" class="number">
                      <a href={addressOf(['system', 'changes', String(version)])}>{version}</a>
                    </th>
                    <td>
                      <When at={committedAt} />
                    </td>
                    <td class="break">{author}</td>
                    <td class="break clamp">{reason === '' ? <span class="quiet">{words.noComment}</span> : reason}</td>
                    <td class="number">{operationCount.toLocaleString()}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {next === undefined ? null : (
            <button type="button" onClick={() => void more()}>
              {common.more}
            </button>
          )}
        </>
      )}
    </>
  );
}

/** Chooses two versions to compare. */
function Compare({ newest }: { readonly newest: number }) {
  const { changes: words } = useWords();
  const [from, setFrom] = useState(Math.max(1, newest - 1));
  const [to, setTo] = useState(newest);
  return (
    <form
      class="inline"
      aria-label={words.compare}
      onSubmit={(event) => {
        event.preventDefault();
        go(addressOf(['system', 'changes', 'diff'], { from, to }));
      }}
    >
      <Field id="from" label={words.from}>
        {(bind) => (
          <input
            {...bind}
            class="short"
            type="number"
            min={1}
            max={newest}
            required
            value={from}
            onInput={(event) => setFrom(event.currentTarget.valueAsNumber)}
          />
        )}
      </Field>
      <Field id="to" label={words.to}>
        {(bind) => (
          <input
            {...bind}
            class="short"
            type="number"
            min={1}
            max={newest}
            required
            value={to}
            onInput={(event) => setTo(event.currentTarget.valueAsNumber)}
          />
        )}
      </Field>
      <button type="submit">{words.show}</button>
    </form>
  );
}
