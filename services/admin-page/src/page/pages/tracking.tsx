import { useRef, useState } from 'preact/hooks';
import { searchMessages } from '../api/calls.ts';
import { addressOf, go } from '../parts/address.ts';
import { Field } from '../parts/field.tsx';
import { MessageTable } from '../parts/message-table.tsx';
import { Problem } from '../parts/notice.tsx';
import { formTexts } from '../parts/form-text.ts';
import { PageHead } from '../parts/page-head.tsx';
import { useLoad } from '../parts/use-load.ts';
import { useWords } from '../words/words.ts';

const PLACE = ['monitor', 'tracking'];
const BY = ['any', 'recipient', 'sender', 'headerMessageId'] as const;

/** Search for messages; a result leads to its timeline. */
export function TrackingPage({ query }: { readonly query: URLSearchParams }) {
  const { tracking: words, menu, common } = useWords();
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const search = query.get('search') ?? '';
  const by = query.get('by') ?? 'any';
  const from = query.get('from') ?? '';
  const to = query.get('to') ?? '';
  const cursor = cursors.at(-1);
  const key = JSON.stringify([search, by, from, to, cursor]);
  const { value, problem } = useLoad(key, () =>
    searchMessages({
      search,
      by: search === '' ? undefined : by,
      from: instantOf(from),
      to: instantOf(to),
      cursor,
    }),
  );
  const asked = JSON.stringify([search, by, from, to]);
  // The form is filled anew when the address says something else than was asked for in it: not when it says that, since
  // whoever asked may be typing on.
  const form = useRef({ shown: asked, own: asked, number: 0 }).current;
  if (form.shown !== asked) {
    form.shown = asked;
    if (asked !== form.own) form.number += 1;
  }
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = formTexts(event);
    const question = { search: text('search').trim(), by: text('by'), from: text('from'), to: text('to') };
    form.own = JSON.stringify(Object.values(question));
    setCursors([]);
    go(addressOf(PLACE, question));
  };
  return (
    <>
      <PageHead place={[menu.monitor]} title={words.title} />
      <form class="inline" role="search" key={form.number} onSubmit={submit}>
        <Field id="search" label={words.search}>
          {(bind) => (
            <input
              {...bind}
              class="long"
              name="search"
              type="search"
              defaultValue={search}
              maxLength={1000}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
            />
          )}
        </Field>
        <Field id="by" label={words.by}>
          {({ id }) => (
            <select id={id} name="by" defaultValue={by}>
              {BY.map((one) => (
                <option key={one} value={one} selected={one === by}>
                  {words.byWhat[one]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field id="time-from" label={words.from}>
          {(bind) => <input {...bind} name="from" type="datetime-local" defaultValue={from} />}
        </Field>
        <Field id="time-to" label={words.to}>
          {(bind) => <input {...bind} name="to" type="datetime-local" defaultValue={to} />}
        </Field>
        <button type="submit" class="primary">
          {common.search}
        </button>
      </form>
      <Problem problem={problem} />
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined ? null : (
        <>
          {value.messages.length === 0 ? (
            <p class="quiet" role="status">
              {words.nothing}
            </p>
          ) : (
            <MessageTable messages={value.messages} />
          )}
          <div class="pager">
            <button type="button" disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
              {common.previous}
            </button>
            <button
              type="button"
              disabled={value.nextCursor === undefined}
              onClick={() => setCursors([...cursors, value.nextCursor!])}
            >
              {common.next}
            </button>
          </div>
        </>
      )}
    </>
  );
}

/** What was typed in the viewer's zone. */
function instantOf(local: string): number | undefined {
  const at = new Date(local).getTime();
  return Number.isNaN(at) ? undefined : at;
}
