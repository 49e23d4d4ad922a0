import { readTrace, readWaiting } from '../api/calls.ts';
import type { MessageSummary, TraceEvent } from '../api/values.ts';
import { addressOf, go } from '../parts/address.ts';
import { Field } from '../parts/field.tsx';
import { MessageContent } from '../parts/message-content.tsx';
import { MessageRecipients } from '../parts/message-recipients.tsx';
import { RecipientState } from '../parts/message-table.tsx';
import { Notice, Problem, useRemarkText } from '../parts/notice.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Timeline } from '../parts/timeline.tsx';
import { useLoad } from '../parts/use-load.ts';
import { When } from '../parts/when.tsx';
import { useWords } from '../words/words.ts';

const LIVE_MS = 5_000;

/** What happened to a message, or to one of its recipients. */
export function MessagePage({ message, query }: { readonly message: string; readonly query: URLSearchParams }) {
  const { tracking: words, menu, common } = useWords();
  const remarkText = useRemarkText();
  const recipient = query.has('recipient') ? Number(query.get('recipient')) : undefined;
  const { value, problem } = useLoad(`${message} ${recipient ?? ''}`, () => readTrace(message, recipient), LIVE_MS);
  const waiting = useLoad(`waiting ${message}`, () => readWaiting(message), LIVE_MS);
  const place = ['monitor', 'tracking', message];
  return (
    <>
      <PageHead
        place={[menu.monitor, { text: words.title, href: addressOf(['monitor', 'tracking']) }]}
        title={words.detail(message)}
      />
      {problem?.status === 404 ? <Notice tone="info">{words.notFound}</Notice> : <Problem problem={problem} />}
      {value === undefined && problem === undefined ? <p class="quiet">{common.loading}</p> : null}
      {value === undefined ? null : (
        <>
          {value.notes.length === 0 ? null : (
            <Notice tone="info">
              {value.notes.map((note, index) => (
                <p key={index}>
                  {note.at === undefined ? null : <When at={note.at} />} {remarkText(note)}
                </p>
              ))}
            </Notice>
          )}
          {value.summary === undefined ? null : (
            <Facts
              summary={value.summary}
              accepted={value.events.find(({ kind }) => kind === 'accepted')}
              recipient={recipient}
              onChoose={(chosen) => go(addressOf(place, { recipient: chosen }))}
            />
          )}
          <Problem problem={waiting.problem} />
          {waiting.value === undefined ? null : (
            <section aria-labelledby="waiting">
              <h2 id="waiting">{words.waits}</h2>
              <MessageRecipients recipients={waiting.value.recipients} />
              <MessageContent copies={waiting.value.copies} />
            </section>
          )}
          <section aria-labelledby="timeline">
            <h2 id="timeline">{words.timeline}</h2>
            <Timeline events={value.events} />
          </section>
        </>
      )}
    </>
  );
}

function Facts({
  summary,
  accepted,
  recipient,
  onChoose,
}: {
  readonly summary: MessageSummary;
  readonly accepted: TraceEvent | undefined;
  readonly recipient: number | undefined;
  readonly onChoose: (recipient: number | undefined) => void;
}) {
  const { tracking: words, common } = useWords();
  const { recipients, reversePath, headerMessageId } = summary;
  const chosen = recipients.find((one) => one.recipient === recipient);
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{words.facts}</h2>
      <dl class="facts">
        <dt>{words.sender}</dt>
        <dd class="break">{reversePath ?? common.nullPath}</dd>
        {headerMessageId === undefined ? null : (
          <>
            <dt>{words.headerId}</dt>
            <dd class="break">{headerMessageId}</dd>
          </>
        )}
        {accepted?.reportOf === undefined ? null : (
          <>
            <dt>{words.reportOf}</dt>
            <dd>
              <a href={addressOf(['monitor', 'tracking', accepted.reportOf])}>{accepted.reportOf}</a>
            </dd>
          </>
        )}
        <dt>{words.recipients}</dt>
        <dd>
          {recipients.length === 1 ? <span class="break">{recipients[0]!.forwardPath} </span> : null}
          {recipients.length === 1 ? (
            <RecipientState state={recipients[0]!.state} isUnknown={recipients[0]!.outcomeUnknown} />
          ) : (
            <Field id="of-recipient" label={words.recipient} isBare>
              {({ id }) => (
                <select
                  id={id}
                  value={recipient ?? ''}
                  onChange={({ currentTarget: { value } }) => onChoose(value === '' ? undefined : Number(value))}
                >
                  <option value="">{`${words.everyone} (${recipients.length})`}</option>
                  {recipients.map((one) => (
                    <option key={one.recipient} value={one.recipient}>
                      {one.forwardPath}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          )}
          {recipients.length > 1 && chosen !== undefined ? (
            <RecipientState state={chosen.state} isUnknown={chosen.outcomeUnknown} />
          ) : null}
        </dd>
      </dl>
    </section>
  );
}
