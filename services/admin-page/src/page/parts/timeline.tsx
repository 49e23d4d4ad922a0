import type { ComponentChildren } from 'preact';
import type { TraceEvent } from '../api/values.ts';
import { useWords } from '../words/words.ts';
import { addressOf } from './address.ts';
import { Notice } from './notice.tsx';
import { ReplyText } from './reply-text.tsx';
import { When } from './when.tsx';

const SHOWN = 10;

/** Every event in order: when, what, at which host, with which reply, under which route. */
export function Timeline({ events }: { readonly events: readonly TraceEvent[] }) {
  const { tracking: words } = useWords();
  return (
    <ol class="timeline">
      {events.map((event, index) => (
        <li key={index} class={event.counted ? event.kind : `${event.kind} late`}>
          <div class="event">
            <When at={event.at} /> <strong>{words.events[event.kind]}</strong>{' '}
            {event.counted ? null : <span class="tag">{words.late}</span>}
            {event.outcomeUnknown ? <span class="tag changed">{words.outcomeUnknown}</span> : null}
          </div>
          {event.outcomeUnknown ? <Notice tone="warning">{words.outcomeUnknownHint}</Notice> : null}
          <EventFacts event={event} />
        </li>
      ))}
    </ol>
  );
}

function EventFacts({ event }: { readonly event: TraceEvent }) {
  const { tracking: words, routes, common } = useWords();
  const { recipients, copies = [] } = event;
  const shown = recipients.slice(0, SHOWN).map(({ forwardPath }) => forwardPath);
  const more = recipients.length > SHOWN ? `, ${words.moreRecipients(recipients.length - SHOWN)}` : '';
  return (
    <dl class="facts">
      <Fact name={words.recipients} isThere={shown.length > 0}>
        {shown.join(', ')}
        {more}
      </Fact>
      <Fact name={words.client} isThere={event.clientAddress !== undefined}>
        {event.clientAddress}
      </Fact>
      <Fact name={words.helo} isThere={event.helo !== undefined}>
        {event.helo}
      </Fact>
      <Fact name={words.user} isThere={event.user !== undefined}>
        {event.user}
      </Fact>
      <Fact name={words.senderGroup} isThere={event.senderGroup !== undefined}>
        {[event.relayed === true ? 'RELAY' : 'ACCEPT', event.senderGroup, event.flowPolicy].filter(Boolean).join(' ')}
      </Fact>
      <Fact name={words.listener} isThere={event.listener !== undefined}>
        {event.listener}
      </Fact>
      <Fact name={words.gateway} isThere={event.gateway !== undefined}>
        {event.gateway}
      </Fact>
      <Fact name={words.icid} isThere={event.icid !== undefined}>
        {event.icid}
      </Fact>
      <Fact name={words.policies} isThere={copies.length > 0}>
        {copies.map(({ mid, policy, sizeOctets }) => `${policy}: ${mid}, ${words.octets(sizeOctets)}`).join('; ')}
      </Fact>
      <Fact name={words.host} isThere={event.host !== undefined}>
        {event.host}
      </Fact>
      <Fact name={words.dcid} isThere={event.dcid !== undefined}>
        {event.dcid}
      </Fact>
      <Fact name={words.reply} isThere={event.reply !== undefined}>
        <ReplyText reply={event.reply} />
      </Fact>
      <Fact name={words.stage} isThere={event.stage !== undefined}>
        {event.stage}
      </Fact>
      <Fact name={words.route} isThere={event.route !== undefined}>
        {event.route === 'DNS' ? words.noRoute : event.route === 'ALL' ? routes.default : event.route}
        {event.routeVersion === undefined ? null : (
          <>
            {' '}
            (
            <a
              title={words.inTable}
              href={addressOf(['network', 'smtp-routes'], {
                version: event.routeVersion,
                search: event.route === 'DNS' ? '' : event.route,
              })}
            >
              {common.version(event.routeVersion)}
            </a>
            )
          </>
        )}
      </Fact>
      <Fact name={words.due} isThere={event.dueAt !== undefined}>
        <When at={event.dueAt} />
      </Fact>
      <Fact name={words.cause} isThere={event.cause !== undefined}>
        {event.cause}
      </Fact>
      <Fact name={words.reason} isThere={event.reason !== undefined}>
        {event.reason}
      </Fact>
      <Fact name={words.author} isThere={event.author !== undefined}>
        {event.author}
      </Fact>
      <Fact name={words.report} isThere={event.report !== undefined}>
        <a href={addressOf(['monitor', 'tracking', event.report ?? ''])}>{event.report}</a>
      </Fact>
    </dl>
  );
}

function Fact({
  name,
  isThere,
  children,
}: {
  readonly name: string;
  readonly isThere: boolean;
  readonly children: ComponentChildren;
}) {
  if (!isThere) return null;
  return (
    <>
      <dt>{name}</dt>
      <dd class="break">{children}</dd>
    </>
  );
}
