import { randomBytes } from 'node:crypto';
import { type PolicySenders, splinter, type Subject } from '@mailyard/access';
import {
  countReceived,
  domainOf,
  fieldValue,
  findField,
  hasNonAscii,
  type HeaderField,
  headerFields,
  headerLength,
  isMtaError,
  parseMailbox,
  type Reply,
  reply,
} from '@mailyard/mail';
import {
  type BodyReference,
  type BodyStore,
  makeMessageId,
  type PressureBoard,
  type QueueLog,
  type QueueRecord,
} from '@mailyard/queue';
import type { RouteLookup } from '@mailyard/smtp-routes';
import type { ContentSink, InjectionSession, MailCommand, MailTransaction, RcptCommand } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import { type AcceptedRecipient, buildAcceptance } from './acceptance.ts';
import { appendAcceptance } from './append-acceptance.ts';
import { BodyIntake } from './body-intake.ts';
import { choosePartition } from './partition-choice.ts';
import type { Access, AccessSource, IngressClock, IngressHealth, IngressSettings } from './ports.ts';
import { receivedField } from './received-field.ts';

export interface IngressPorts {
  readonly queueLog: QueueLog;
  readonly bodyStore: BodyStore;
  readonly routes: RouteLookup;
  readonly access: AccessSource;
  readonly pressure: PressureBoard;
  readonly health: IngressHealth;
  readonly clock: IngressClock;
}

const RECIPIENT_OK = reply(250, '2.1.5', 'Ok');
const NO_TABLE = reply(451, '4.3.2', 'Not ready, try again later');
const LOOP = reply(554, '5.4.6', 'Too many hops');
const STORE_AWAY = reply(421, '4.3.2', 'Not accepting mail now, try again later');
const STORE_FULL = reply(452, '4.3.1', 'Insufficient system storage, try again later');
const TOO_BIG_A_BATCH = reply(452, '4.5.3', 'Too many recipients for one message');
/** A rewritten header section in an acceptance may take this much; beyond it the message is too odd to edit. */
const BATCH_SPARE_OCTETS = 65_536;

/** One transaction of a client, from MAIL to the 250 (docs/flow.md, steps 2 to 6). */
export class IngressTransaction implements MailTransaction {
  readonly #session: InjectionSession;
  readonly #command: MailCommand;
  readonly #access: Access;
  readonly #ports: IngressPorts;
  readonly #settings: IngressSettings;
  readonly #startedAt: number;
  readonly #recipients: AcceptedRecipient[] = [];
  #envelopeOctets = 0;

  constructor(
    session: InjectionSession,
    command: MailCommand,
    access: Access,
    ports: IngressPorts,
    settings: IngressSettings,
  ) {
    this.#session = session;
    this.#command = command;
    this.#access = access;
    this.#ports = ports;
    this.#settings = settings;
    this.#startedAt = ports.clock.now();
  }

  rcpt({ forwardPath, parameters }: RcptCommand): Reply {
    const { icid } = this.#session;
    const verdict = this.#access.recipients.verdict(forwardPath);
    const refusal =
      verdict.action === 'REJECT' ? (verdict.reply ?? NO_TABLE) : this.#overfull(forwardPath.address.length);
    if (refusal !== undefined) {
      publishMailEvent({ kind: 'recipientRefused', icid, forwardPath: forwardPath.address, reply: refusal });
      return refusal;
    }
    this.#recipients.push({ forwardPath: forwardPath.address, parameters });
    return verdict.reply ?? RECIPIENT_OK;
  }

  /** The envelope alone must leave room in a batch (I12); bodies can go into the store, recipients cannot. */
  #overfull(octets: number): Reply | undefined {
    this.#envelopeOctets += octets + 700;
    return this.#envelopeOctets > this.#ports.queueLog.maxBatchOctets - BATCH_SPARE_OCTETS
      ? TOO_BIG_A_BATCH
      : undefined;
  }

  content(): ContentSink {
    const { clock, queueLog, bodyStore, routes } = this.#ports;
    const { parameters, reversePath } = this.#command;
    const at = clock.now();
    const message = makeMessageId(at, clock.random(10));
    const paths = this.#recipients.map(({ forwardPath }) => forwardPath);
    const partition = choosePartition(message, paths, queueLog.partitionCount, (domain) => routes.peek(domain));
    const intake = new BodyIntake(bodyStore, `${partition}/${message}/0`, this.#settings.inlineOctets);
    const { helo, clientAddress, extended, tls, icid } = this.#session;
    const { hostname } = this.#settings;
    const { smtpUtf8 } = parameters;
    const only = paths.length === 1 ? { recipient: paths[0]! } : {};
    const trace = receivedField({
      helo,
      clientAddress,
      hostname,
      message,
      extended,
      tls: tls !== undefined,
      smtpUtf8,
      at,
      ...only,
    });
    let eightBit = parameters.eightBit;
    let failure: unknown;
    const write = (piece: Buffer): Promise<void> | undefined => {
      if (failure !== undefined) return undefined;
      eightBit ||= hasNonAscii(piece.toString('latin1'));
      return intake.write(piece)?.catch((error: unknown) => {
        failure = error;
      });
    };
    void write(Buffer.from(trace, 'latin1'));

    const end = async (): Promise<Reply> => {
      const endedAt = clock.now();
      let body: BodyReference;
      try {
        if (failure !== undefined) throw failure;
        body = await intake.end();
      } catch (error) {
        return this.#refuse(isMtaError(error, 'BODY_STORE_FULL') ? STORE_FULL : STORE_AWAY);
      }
      const head = intake.head();
      const header = head.subarray(0, headerLength(head));
      const fields = headerFields(header, header.length);
      if (countReceived(fields) - 1 > this.#settings.maxReceivedFields) {
        intake.abort();
        return this.#refuse(LOOP);
      }
      const splinters = splinter(this.#access.policies, this.#senders(header, fields), paths.map(subjectOf));
      const messageIdField = findField(fields, 'message-id');
      const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
      const build = (reference: BodyReference): QueueRecord[] =>
        buildAcceptance(
          {
            message,
            at: clock.now(),
            injection: { icid, listener: this.#settings.listener, clientAddress, helo },
            reversePath: reversePath?.address ?? null,
            eightBit,
            smtpUtf8,
            ...(parameters.ret === undefined ? {} : { ret: parameters.ret }),
            ...(parameters.envid === undefined ? {} : { envid: parameters.envid }),
            ...(messageIdField === undefined
              ? {}
              : { headerMessageId: fieldValue(header, messageIdField).slice(0, 250) }),
            traceparent,
            expiresAt: at + this.#settings.maxAgeSeconds * 1000,
            body: reference,
            sizeOctets: intake.sizeOctets,
            header,
          },
          this.#recipients,
          splinters,
        );
      let records = build(body);
      if (octetsOf(records, queueLog) > queueLog.maxBatchOctets) {
        try {
          body = await intake.store(body);
        } catch {
          return this.#refuse(STORE_AWAY);
        }
        records = build(body);
        if (octetsOf(records, queueLog) > queueLog.maxBatchOctets) return this.#refuse(TOO_BIG_A_BATCH);
      }
      const answer = await appendAcceptance(queueLog, partition, records, clock);
      if (answer.code !== 250) return this.#refuse(answer);
      const copyOfRecipient = new Map(
        splinters.flatMap(({ recipients }, copy) => recipients.map((rid) => [rid, copy] as const)),
      );
      publishMailEvent({
        kind: 'accepted',
        icid,
        message,
        reversePath: reversePath?.address ?? null,
        recipients: paths.map((forwardPath, rid) => {
          const copy = copyOfRecipient.get(rid)!;
          return { forwardPath, copy, dropped: splinters[copy]!.policy.actions.drop === true };
        }),
        copies: splinters.map(({ policy }) => ({ policy: policy.name, sizeOctets: intake.sizeOctets })),
        partition,
        traceparent,
        startedAt: this.#startedAt,
        endedAt: clock.now(),
        dotToReplyMs: clock.now() - endedAt,
      });
      return answer;
    };
    return { write, end, abort: () => intake.abort() };
  }

  reset(): void {
    this.#recipients.length = 0;
  }

  #refuse(refusal: Reply): Reply {
    publishMailEvent({ kind: 'contentRefused', icid: this.#session.icid, reply: refusal });
    return refusal;
  }

  /** Envelope sender, then From, then Reply-To (R113). The header is read only if a policy could ask for it. */
  #senders(header: Buffer, fields: readonly HeaderField[]): PolicySenders {
    const senders: Subject[] = [];
    if (this.#command.reversePath !== null) senders.push(this.#command.reversePath);
    if (this.#access.policies.policies.length === 1) return senders;
    for (const name of ['from', 'reply-to']) {
      const field = findField(fields, name);
      const mailbox =
        field === undefined ? undefined : addressIn(Buffer.from(fieldValue(header, field), 'latin1').toString());
      if (mailbox !== undefined) senders.push(mailbox);
    }
    return senders;
  }
}

/** The first address in a From or Reply-To field: what stands in angle brackets, or the whole. */
function addressIn(value: string): Subject | undefined {
  const open = value.lastIndexOf('<');
  return parseMailbox(open < 0 ? value : value.slice(open + 1, value.indexOf('>', open)).trim());
}

function subjectOf(address: AcceptedRecipient['forwardPath']): Subject {
  const at = address.lastIndexOf('@');
  return { localPart: at < 0 ? address : address.slice(0, at), domain: domainOf(address) };
}

function octetsOf(records: readonly QueueRecord[], log: QueueLog): number {
  return records.reduce((sum, record) => sum + log.sizeOf(record), 0);
}
