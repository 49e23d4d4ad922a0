/** A message that waits, for people and as JSON. */
import type { GetMessageResponse, ShownRecipient, WaitingMessage } from '@mailyard/contracts/queue';
import { printable } from '@mailyard/telemetry';
import { recipientJson, replyText } from './queue-text.ts';
import { type Cell, isoTime, tableText, timeText } from './table-text.ts';

/** Header sections by MID; undefined where one was not read. */
export type Headers = ReadonlyMap<string, string | undefined>;

export function oldestJson({ acceptedAt, nextAttemptAt, reversePath, ...rest }: WaitingMessage): object {
  return {
    ...rest,
    reversePath: reversePath ?? null,
    acceptedAt: isoTime(acceptedAt),
    nextAttemptAt: isoTime(nextAttemptAt),
  };
}

/** @param now to tell their age */
export function oldestText(messages: readonly WaitingMessage[], now: number, colour: boolean): string {
  if (messages.length === 0) return 'Nothing waits\n';
  const heading = ['message', 'accepted', 'age', 'octets', 'sender', 'recipient', 'next attempt'];
  const rows = messages.map((one): (string | Cell)[] => [
    one.message,
    timeText(one.acceptedAt),
    { text: ageText(now - one.acceptedAt), align: 'right' },
    { text: String(one.sizeOctets), align: 'right' },
    `<${one.reversePath ?? ''}>`,
    one.waiting > 1 ? `${one.forwardPath} and ${one.waiting - 1} more` : one.forwardPath,
    timeText(one.nextAttemptAt),
  ]);
  return tableText(heading, rows, colour);
}

/** `3d 4h`, `2h 5m`, `40s`. */
function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}

export function messageJson(shown: GetMessageResponse, headers: Headers): object {
  const { message, injection, eightBit, smtpUtf8, ret, envid, gateway, reportOf, copies, recipients, notes } = shown;
  return {
    ...oldestJson(message!),
    injection,
    eightBit,
    smtpUtf8,
    ...{ ret: ret ?? null, envid: envid ?? null, gateway: gateway ?? null, reportOf: reportOf ?? null },
    copies: copies.map(({ expiresAt, ...copy }) => ({
      ...copy,
      expiresAt: isoTime(expiresAt),
      header: headers.get(copy.mid) ?? null,
    })),
    recipients: recipients.map(shownJson),
    notes,
  };
}

function shownJson({ recipient, destination, underwayTo, notify, orcpt, lastTry }: ShownRecipient): object {
  return {
    ...recipientJson(recipient!),
    ...{ destination: destination ?? null, underwayTo: underwayTo ?? null },
    ...{ notify: notify ?? null, orcpt: orcpt ?? null },
    lastTry: lastTry === undefined ? null : { ...lastTry, at: isoTime(lastTry.at) },
  };
}

/** All lines are safe to print, whatever others wrote. */
export function messageText(shown: GetMessageResponse, headers: Headers): string {
  const { copies, recipients } = shown;
  const lines = [...envelopeLines(shown), ''];
  for (const one of recipients) lines.push(...recipientLines(one));
  for (const { mid } of copies) {
    const header = headers.get(mid);
    if (header === undefined) continue;
    lines.push(
      '',
      `Header of ${mid}`,
      ...header
        .replace(/\r\n$/, '')
        .split('\r\n')
        .map((line) => `  ${line}`),
    );
  }
  return lines.map((line) => `${printableText(line)}\n`).join('');
}

function envelopeLines({ message, injection, copies, ...shown }: GetMessageResponse): string[] {
  const { eightBit, smtpUtf8, ret, envid, gateway, reportOf } = shown;
  const { message: id, acceptedAt, reversePath, headerMessageId, accepted, waiting, partition } = message!;
  const { icid, listener, clientAddress, helo, senderGroup, flowPolicy, relayed, user } = injection!;
  const parameters = [
    ...(eightBit ? ['BODY=8BITMIME'] : []),
    ...(smtpUtf8 ? ['SMTPUTF8'] : []),
    ...(ret === undefined ? [] : [`RET=${ret}`]),
    ...(envid === undefined ? [] : [`ENVID=${envid}`]),
  ];
  const from = [
    `ICID ${icid} listener ${listener} from ${clientAddress} (${helo})`,
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(senderGroup === undefined ? [] : [`sender group ${senderGroup} ${flowPolicy ?? ''}`.trimEnd()]),
    ...(relayed === true ? ['relayed'] : []),
  ];
  const facts: (readonly [name: string, text: string])[] = [
    ['message', id],
    ['accepted', timeText(acceptedAt)],
    ['sender', `<${reversePath ?? ''}>`],
    ...(parameters.length === 0 ? [] : [['parameters', parameters.join(' ')] as const]),
    ...(headerMessageId === undefined ? [] : [['Message-ID', headerMessageId] as const]),
    ...(reportOf === undefined ? [['came by', from.join(', ')] as const] : [['report on', reportOf] as const]),
    ...(gateway === undefined ? [] : [['leaves by', `virtual gateway ${gateway}`] as const]),
    ...copies.map(
      ({ mid, policy, priority, sizeOctets, expiresAt }) =>
        [
          'copy',
          `${mid}, policy ${policy}, priority ${priority}, ${sizeOctets} octets, expires ${timeText(expiresAt)}`,
        ] as const,
    ),
    ['recipients', waiting === accepted ? `${waiting}, all wait` : `${waiting} of ${accepted} wait`],
    ['partition', String(partition)],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, text]) => `${name.padEnd(width)}  ${text}`);
}

function recipientLines({ recipient, destination, underwayTo, notify, orcpt, lastTry }: ShownRecipient): string[] {
  const { recipient: rid, mid, forwardPath, dueAt, retries, outcomeUnknown, lastHost } = recipient!;
  const parameters = [
    ...(notify === undefined ? [] : [`NOTIFY=${notify}`]),
    ...(orcpt === undefined ? [] : [`ORCPT=${orcpt}`]),
  ];
  const state = underwayTo === undefined ? `waits, next attempt ${timeText(dueAt)}` : `is being sent to ${underwayTo}`;
  const to = destination === undefined ? 'destination not known now' : `destination ${destination}`;
  const lines = [
    [`RID ${rid}  MID ${mid}  <${forwardPath}>`, ...parameters].join(' '),
    `  ${state}, ${retries} ${retries === 1 ? 'retry' : 'retries'}, ${to}${outcomeUnknown ? ', outcome unknown' : ''}`,
  ];
  if (lastTry !== undefined) {
    const { at, host, reply, stage, route, routeVersion } = lastTry;
    const parts = [
      ...(host === undefined ? [] : [`host ${host}`]),
      ...(reply === undefined ? [] : [`reply ${replyText(reply)}`]),
      ...(stage === undefined ? [] : [`at ${stage}`]),
      ...(route === undefined ? [] : [`route ${route} version ${routeVersion ?? '?'}`]),
    ];
    lines.push(`  last try ${timeText(at)}: ${parts.join(', ')}`);
  } else if (lastHost !== undefined) {
    lines.push(`  last host ${lastHost}`);
  }
  return lines;
}

/** Text of others for a terminal; a tab does no harm. */
function printableText(text: string): string {
  return text.split('\t').map(printable).join('\t');
}

/** Makes content, which comes in pieces, safe to print: line ends and tabs stay, all that a terminal obeys is escaped. */
export class PrintableContent {
  readonly #decoder = new TextDecoder('utf-8');
  #held = '';

  /** @param octets undefined: this was all */
  push(octets?: Uint8Array): string {
    const text =
      this.#held + (octets === undefined ? this.#decoder.decode() : this.#decoder.decode(octets, { stream: true }));
    // The LF of this CR may be in the next piece.
    this.#held = octets !== undefined && text.endsWith('\r') ? '\r' : '';
    return text
      .slice(0, text.length - this.#held.length)
      .split(/\r?\n/)
      .map(printableText)
      .join('\n');
  }
}
