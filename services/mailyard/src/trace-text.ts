import { EVENT_WORDS } from '@mailyard/contracts';
import { type Acceptance, type Event, EventKind } from '@mailyard/contracts/tracking';
import { printable } from '@mailyard/telemetry';
import { replyText } from './queue-text.ts';
import { timeText } from './table-text.ts';

const WIDTH = Math.max(...Object.values(EVENT_WORDS).map((word) => word.length));

/** An event for people, as one of a stream: a line that names its message and, of an acceptance, who it is from and to. */
export function eventLine(event: Event): string {
  const { acceptance, message, recipients } = event;
  const envelope =
    acceptance === undefined
      ? []
      : [`from <${acceptance.reversePath ?? ''}>`, `to ${recipients.map((one) => `<${one.forwardPath}>`).join(' ')}`];
  const words = [timeOf(event), EVENT_WORDS[event.kind].padEnd(WIDTH), message, ...envelope, detailOf(event)];
  return printable(words.join('  '));
}

/** Events for people: a line each, under the message that they are of. */
export function traceText(events: readonly Event[]): string {
  const lines: string[] = [];
  let message: string | undefined;
  for (const event of events) {
    if (event.message !== message) {
      if (message !== undefined) lines.push('');
      message = event.message;
      lines.push(headline(event));
    }
    const word = EVENT_WORDS[event.kind].padEnd(WIDTH);
    lines.push(`  ${timeOf(event)}  ${word}  ${detailOf(event)}`);
    if (event.acceptance !== undefined)
      for (const { recipient, mid, forwardPath } of event.recipients)
        lines.push(`    RID ${recipient}  MID ${mid}  <${forwardPath}>`);
    for (const expansion of event.acceptance?.expansions ?? []) lines.push(`    ${expansionText(expansion)}`);
  }
  return lines.map((line) => `${printable(line)}\n`).join('');
}

/** `<sales@example.com> became RID [0, 1] by alias sales@example.com, version 5` */
function expansionText({ received, mapped, alias, version, recipients }: Acceptance['expansions'][number]): string {
  const rows = [
    ...(mapped === undefined ? [] : [`domain map ${mapped}`]),
    ...(alias === undefined ? [] : [`alias ${alias}`]),
  ];
  return `<${received}> became RID [${recipients.join(', ')}] by ${rows.join(', ')}, version ${version}`;
}

function headline({ message, acceptance }: Event): string {
  if (acceptance === undefined) return `${message}  (its acceptance is not known here)`;
  const { reversePath, headerMessageId } = acceptance;
  return [message, `from <${reversePath ?? ''}>`, ...(headerMessageId === undefined ? [] : [headerMessageId])].join(
    '  ',
  );
}

function timeOf({ at, loggedAt }: Event): string {
  return new Date(at === 0 ? loggedAt : at).toISOString().replace('T', ' ');
}

function detailOf(event: Event): string {
  const parts: string[] = [];
  if (event.acceptance === undefined) parts.push(recipientsOf(event));
  else parts.push(acceptanceText(event.acceptance));
  if (event.host !== undefined) parts.push(`host ${event.host}`);
  if (event.reply !== undefined) parts.push(`reply ${replyText(event.reply)}`);
  if (event.stage !== undefined && event.stage !== '') parts.push(`at ${event.stage}`);
  if (event.cause !== undefined) parts.push(`cause ${event.cause}`);
  if (event.outcomeUnknown)
    parts.push(event.kind === EventKind.EVENT_KIND_DELIVERED ? 'possible delivery' : 'outcome unknown');
  if (event.reason !== undefined) parts.push(`reason ${event.reason}`);
  if (event.author !== undefined) parts.push(`by ${event.author}`);
  if (event.route !== undefined) parts.push(`route ${event.route} version ${event.routeVersion ?? '?'}`);
  if (event.attempt !== undefined) parts.push(`attempt ${event.attempt.term}/${event.attempt.sequence}`);
  if (event.dcid !== undefined) parts.push(`DCID ${event.dcid}`);
  if (event.dueAt !== undefined) parts.push(`next attempt ${timeText(event.dueAt)}`);
  if (event.report !== undefined) parts.push(`report ${event.report}`);
  if (!event.counted) parts.push('(changed nothing: too late, or not the owner)');
  return parts.join(', ');
}

function recipientsOf({ recipients }: Event): string {
  if (recipients.length !== 1) return `RID [${recipients.map(({ recipient }) => recipient).join(', ')}]`;
  const [{ recipient, forwardPath }] = recipients as [Event['recipients'][number]];
  return forwardPath === '' ? `RID ${recipient}` : `RID ${recipient} <${forwardPath}>`;
}

function acceptanceText(acceptance: Acceptance): string {
  const { icid, listener, clientAddress, helo, user, copies, reportOf, senderGroup, flowPolicy, relayed, gateway } =
    acceptance;
  const policies = copies.map(({ policy, sizeOctets }) => `policy ${policy} ${sizeOctets} octets`);
  const origin =
    reportOf === undefined
      ? `ICID ${icid} listener ${listener} from ${clientAddress} (${helo})${user === undefined ? '' : ` user ${user}`}`
      : `report on ${reportOf}`;
  const action = relayed === true ? 'RELAY' : 'ACCEPT';
  const group =
    senderGroup === undefined ? [] : [`${action} SG ${senderGroup}${flowPolicy === undefined ? '' : ` ${flowPolicy}`}`];
  const via = gateway === undefined ? [] : [`virtual gateway ${gateway}`];
  return [origin, ...group, ...policies, ...via].join(', ');
}
