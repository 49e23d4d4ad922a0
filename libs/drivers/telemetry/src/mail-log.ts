/** Turns mail events into lines of the mail log. */
import type { Reply } from '@mailyard/mail';
import { type MailEvent, type MessageId, midOf, type QueueRecord } from '@mailyard/queue';
import { LINES } from './mail-log-lines.ts';

type Accepted = Extract<MailEvent, { kind: 'accepted' }>;
type OutcomeEvent = Extract<MailEvent, { kind: 'outcome' }>;

/** Deliveries in one transaction, which come one by one and make one pair of lines. */
interface Done {
  readonly dcid: string;
  readonly mid: string;
  readonly rids: number[];
  readonly reply: Reply | undefined;
  /** Its final dot was never answered (R62). */
  readonly isPossible: boolean;
}

export type LogLevel = 'Info' | 'Warning' | 'Critical';

/** Writes the lines of each event. `end` writes what it still holds back. */
export class MailLogText {
  readonly #write: (level: LogLevel, line: string) => void;
  #done: Done | undefined;

  constructor(write: (level: LogLevel, line: string) => void) {
    this.#write = write;
  }

  event(event: MailEvent): void {
    if (event.kind === 'outcome' && event.record.type === 'RecipientDelivered') this.#delivered(event, event.record);
    else {
      this.end();
      this.#other(event);
    }
  }

  end(): void {
    const done = this.#done;
    if (done === undefined) return;
    this.#done = undefined;
    const line = done.isPossible ? LINES.possiblyDelivered : LINES.delivered;
    this.#write('Info', line(done.dcid, done.mid, done.rids));
    if (done.reply !== undefined) this.#write('Info', LINES.response(done.mid, done.rids, done.reply));
  }

  #authentication({ icid, result, user, mechanism }: Extract<MailEvent, { kind: 'injectionAuthentication' }>): void {
    const text = LINES.injectionAuthentication(icid, result, user ?? 'unknown', mechanism);
    this.#write(result === 'succeeded' ? 'Info' : 'Warning', text);
  }

  #delivered(event: OutcomeEvent, record: Extract<QueueRecord, { type: 'RecipientDelivered' }>): void {
    const mid = midOfOutcome(event, record.message);
    const dcid = record.dcid ?? '0';
    const done = this.#done;
    if (done !== undefined && done.mid === mid && done.dcid === dcid && sameText(done.reply, record.reply)) {
      done.rids.push(record.recipient);
    } else {
      this.end();
      this.#done = { dcid, mid, rids: [record.recipient], reply: record.reply, isPossible: record.possible === true };
    }
    if (event.last !== true) return;
    this.end();
    this.#write('Info', LINES.messageFinished(record.message));
  }

  #other(event: MailEvent): void {
    switch (event.kind) {
      case 'injectionOpened':
        return this.#write('Info', LINES.injectionOpened(event.icid, event.listener, event.address, event.names));
      case 'injectionJudged':
        return this.#write(
          'Info',
          LINES.injectionJudged(event.icid, event.action, event.group, event.source, event.policy),
        );
      case 'injectionRefused':
        return this.#write('Warning', LINES.injectionRefused(event.listener, event.address, event.reason));
      case 'injectionTls':
        return this.#write('Info', LINES.injectionTls(event.icid, event.protocol, event.cipher));
      case 'injectionAuthentication':
        return this.#authentication(event);
      case 'injectionClosed':
        return this.#write('Info', LINES.injectionClosed(event.icid));
      case 'senderRefused':
        return this.#write('Info', LINES.senderRefused(event.icid, event.reversePath, event.reply));
      case 'recipientRefused':
        return this.#write('Info', LINES.recipientRefused(event.icid, event.forwardPath, event.reply));
      case 'contentRefused':
        return this.#write('Info', LINES.contentRefused(event.icid, event.reply));
      case 'accepted':
        return this.#accepted(event);
      case 'connectionOpened':
        return this.#write(
          'Info',
          LINES.connectionOpened(event.dcid, event.host, event.address, event.port, event.localAddress),
        );
      case 'connectionFailed':
        return this.#write(
          'Info',
          LINES.connectionFailed(event.host, event.address, event.port, event.stage, event.reason),
        );
      case 'mtaSts':
        if (event.reason === undefined) return;
        return this.#write('Warning', LINES.mtaSts(event.domain, event.session, event.result, event.reason));
      case 'connectionTls': {
        const found = event.certificate === 'dane' ? 'verified by DANE' : event.certificate;
        const certificate = event.fault === undefined ? found : `${found}: ${event.fault}`;
        return this.#write('Info', LINES.connectionTls(event.dcid, event.protocol, event.cipher, certificate));
      }
      case 'connectionClosed':
        return this.#write('Info', LINES.connectionClosed(event.dcid));
      case 'transactionStarted':
        return this.#write(
          'Info',
          LINES.deliveryStarted(event.dcid, midOf(event.message, event.copy), event.recipients),
        );
      case 'outcome':
        return this.#outcome(event);
      case 'claimed':
        return this.#write('Info', LINES.claimed(event.partition, event.term));
      case 'lost':
        return this.#write('Warning', LINES.lost(event.partition, event.reason));
      case 'alarm':
        return this.#write('Critical', LINES.alarm(event.name, event.detail));
    }
  }

  /** One policy group: the message keeps its one MID (R92). Several: it is split, and each copy has its own (R93, R97). */
  #accepted(accepted: Accepted): void {
    const {
      icid,
      message,
      reversePath,
      recipients,
      copies,
      headerMessageId,
      expansions = [],
      relayed,
      signed,
    } = accepted;
    const table = relayed === true ? 'outbound' : 'inbound';
    const info = (line: string): void => this.#write('Info', line);
    const mid = copies.length === 1 ? midOf(message, 0) : message;
    info(LINES.messageStarted(mid, icid));
    info(LINES.sender(mid, icid, reversePath));
    for (const [rid, { forwardPath }] of recipients.entries()) info(LINES.recipient(mid, icid, rid, forwardPath));
    for (const expansion of expansions) info(LINES.rewritten(mid, expansion));
    if (headerMessageId !== undefined) info(LINES.headerMessageId(mid, headerMessageId));
    for (const profile of signed?.by ?? []) info(LINES.signed(mid, profile, signed!.author));
    for (const [number, { policy, sizeOctets }] of copies.entries()) {
      const copy = midOf(message, number);
      if (copies.length > 1) info(LINES.messageSplit(mid, copy, policy, table));
      info(LINES.messageReady(copy, sizeOctets, reversePath));
      info(LINES.policyMatched(copy, policy, table));
      const own = [...recipients.entries()].filter(([, recipient]) => recipient.copy === number);
      for (const [rid, { discardedBy }] of own)
        if (discardedBy !== undefined) info(LINES.dropped(copy, rid, `alias ${discardedBy}`));
      if (own.some(([, { dropped, discardedBy }]) => dropped && discardedBy === undefined))
        info(LINES.droppedByPolicy(copy, policy));
    }
  }

  #outcome(event: OutcomeEvent): void {
    const { record } = event;
    const info = (line: string): void => this.#write('Info', line);
    switch (record.type) {
      case 'RecipientDeferred': {
        const mid = midOfOutcome(event, record.message);
        const why = record.outcomeUnknown ? `${record.stage}, outcome unknown` : record.stage;
        return info(LINES.delayed(record.dcid ?? '0', mid, record.recipient, why, record.reply));
      }
      case 'RecipientBounced': {
        const mid = midOfOutcome(event, record.message);
        const status = record.cause === 'dns' ? '5.1.2' : '5.0.0';
        const why = record.author === undefined ? record.stage : `${record.stage} ${record.author}, ${record.reason}`;
        info(LINES.bounced(record.dcid ?? '0', mid, record.recipient, status, why, record.reply));
        if (record.report !== undefined) info(LINES.reported(mid, record.recipient, record.report));
        break;
      }
      case 'RecipientExpired': {
        const mid = midOfOutcome(event, record.message);
        info(LINES.expired(mid, record.recipient, record.reply));
        if (record.report !== undefined) info(LINES.reported(mid, record.recipient, record.report));
        break;
      }
      case 'RecipientDropped':
        // A drop at acceptance was logged with the acceptance.
        if (record.decision !== undefined)
          info(LINES.dropped(midOfOutcome(event, record.message), record.recipient, record.reason));
        break;
      case 'RecipientRemoved':
        info(LINES.removed(midOfOutcome(event, record.message), record.recipient, record.author, record.reason));
        break;
      default:
        return;
    }
    if (event.last === true) info(LINES.messageFinished(record.message));
  }
}

/** The MID of the copy; the message's own id where the copy is not known. */
function midOfOutcome(event: OutcomeEvent, message: MessageId): string {
  return event.copy === undefined ? message : midOf(message, event.copy);
}

function sameText(a: Reply | undefined, b: Reply | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.code === b.code && a.text === b.text);
}
