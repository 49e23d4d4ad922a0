import { isAscii } from 'node:buffer';
import { type MailPolicyTable, type PolicySenders, type Splinter, splinter } from '@mailyard/access';
import { isMtaError, type Reply, reply } from '@mailyard/mail';
import {
  bodyKey,
  type BodyReference,
  type Injection,
  type MessageId,
  type QueueRecord,
  type RecipientExpansion,
} from '@mailyard/queue';
import type { ContentSink, InjectionSession, MailCommand } from '@mailyard/smtp-receiver';
import { publishMailEvent } from '@mailyard/telemetry';
import { type AcceptedRecipient, buildAcceptance, type CopyHead, headOf } from './acceptance.ts';
import { appendAcceptance } from './append-acceptance.ts';
import { BodyIntake } from './body-intake.ts';
import { ContentSigning, type Sealed } from './content-signing.ts';
import type { IngressContext, IngressPorts } from './context.ts';
import { MessageHeader } from './message-header.ts';
import { choosePartition } from './partition-choice.ts';
import type { Access } from './ports.ts';
import { flowOf } from './session-flow.ts';
import { receivedField } from './received-field.ts';

const LOOP = reply(554, '5.4.6', 'Too many hops');
const HEADER_TOO_LARGE = reply(552, '5.3.4', 'Header section too large');
const STORE_AWAY = reply(421, '4.3.2', 'Not accepting mail now, try again later');
const STORE_FULL = reply(452, '4.3.1', 'Insufficient system storage, try again later');
const BATCH_TOO_LARGE = reply(452, '4.5.3', 'Too many recipients for one message');
const GONE = reply(451, '4.4.2', 'Connection lost');
/** RFC 3463 §3.8: the key was not there. */
const UNSIGNED = reply(451, '4.7.5', 'Could not be signed, try again later');
/** More than the records of a batch take besides bodies, prefixes and recipients. */
const FRAME_OCTETS = 4096;

/** An envelope whose content may come. */
export interface Envelope {
  readonly session: InjectionSession;
  readonly command: MailCommand;
  readonly access: Access;
  /** Whether the client could send to anyone. */
  readonly relays: boolean;
  readonly recipients: readonly AcceptedRecipient[];
  /** What domain map and aliases made of RCPTs. */
  readonly expansions: readonly RecipientExpansion[];
  /** A header field that goes before the content; '' for none. */
  readonly bounceMark: string;
  /** At least what the recipients take in the batch. */
  readonly octets: number;
  /** When MAIL came. */
  readonly startedAt: number;
}

/** The content of one message, from the 354 to the 250 (docs/flow.md, steps 4 to 6). */
export class IncomingContent implements ContentSink {
  readonly #context: IngressContext;
  readonly #envelope: Envelope;
  readonly #message: MessageId;
  readonly #partition: number;
  readonly #intake: BodyIntake;
  readonly #expiresAt: number;
  /** Undefined where nobody's mail is signed, or not this client's. */
  readonly #signing: ContentSigning | undefined;
  #eightBit = false;
  #failure: unknown;

  constructor(context: IngressContext, envelope: Envelope) {
    const { ports, settings, pressure, random } = context;
    const { session, command, recipients } = envelope;
    const at = ports.clock.now();
    this.#context = context;
    this.#envelope = envelope;
    this.#message = random.messageId(at);
    this.#expiresAt = at + settings.maxAgeSeconds * 1000;
    this.#partition = choosePartition(
      this.#message,
      recipients.map(({ forwardPath }) => forwardPath),
      ports.queueLog.partitionCount,
      (domain) => ports.routes.peek(domain),
      (partition) => pressure.isFull(partition),
    );
    // Ours is the first field of the body that is stored; nothing is written twice to put it there later.
    const trace = receivedField({
      helo: session.helo,
      clientAddress: session.clientAddress,
      hostname: settings.hostname,
      message: this.#message,
      extended: session.extended,
      tls: session.tls !== undefined,
      authenticated: session.user !== undefined,
      smtpUtf8: command.parameters.smtpUtf8,
      at,
      ...(recipients.length === 1 ? { recipient: recipients[0]!.received ?? recipients[0]!.forwardPath } : {}),
    });
    const key = bodyKey(this.#partition, this.#message, 0);
    this.#intake = new BodyIntake(ports.bodyStore, key, settings.inlineOctets, trace + envelope.bounceMark);
    this.#signing = signingOf(ports, envelope);
  }

  write(piece: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    this.#eightBit ||= !isAscii(piece);
    this.#signing?.write(piece);
    return this.#intake.write(piece)?.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  end(): Reply | Promise<Reply> {
    const dotAt = this.#context.ports.clock.now();
    if (this.#failure !== undefined) return this.#refuse(this.#storeFault(this.#failure));
    const body = this.#intake.end();
    if (!(body instanceof Promise)) return this.#accept(body, dotAt);
    return body.then(
      (stored) => this.#accept(stored, dotAt),
      (error: unknown) => this.#refuse(this.#storeFault(error)),
    );
  }

  async #accept(body: BodyReference, dotAt: number): Promise<Reply> {
    const header = new MessageHeader(this.#intake.head());
    const refusal = this.#judgeHeader(header);
    if (refusal !== undefined) {
      this.#intake.abort();
      return this.#refuse(refusal);
    }
    const { recipients } = this.#envelope;
    const splinters = splinter(this.#policies, this.#senders(header), recipients);
    const heads = splinters.map(({ policy }) => headOf(policy, header.octets));
    const signing = this.#signing;
    const sealed =
      signing === undefined ? asItIs(body, heads) : await this.#seal(signing, body, header, splinters, heads);
    if (sealed.missing !== undefined) {
      this.#intake.abort();
      return this.#refuse(UNSIGNED);
    }
    const traceparent = this.#context.random.traceparent();
    const content: Content = { header, splinters, sealed, traceparent };
    const fitting = this.#fit(content);
    const records = fitting instanceof Promise ? await fitting : fitting;
    return 'code' in records ? this.#refuse(records) : this.#append(records, content, dotAt);
  }

  #seal(
    signing: ContentSigning,
    body: BodyReference,
    header: MessageHeader,
    splinters: readonly Splinter[],
    heads: readonly CopyHead[],
  ): Promise<Sealed> {
    const sent = heads.map((head, copy) => (splinters[copy]!.policy.actions.drop === true ? undefined : head));
    return signing.seal(body, header.octets, sent, this.#context.ports.clock.now());
  }

  abort(): void {
    this.#intake.abort();
  }

  #judgeHeader(header: MessageHeader): Reply | undefined {
    if (!header.complete) return HEADER_TOO_LARGE;
    // Our own field is among them.
    const limit = this.#context.settings.maxReceivedFields + 1;
    return header.received(limit) > limit ? LOOP : undefined;
  }

  /** Makes the batch, its body in the store where it would not fit otherwise (I12). */
  #fit(content: Content): QueueRecord[] | Reply | Promise<QueueRecord[] | Reply> {
    const { queueLog } = this.#context.ports;
    const { body, heads } = content.sealed;
    const inline = body.kind === 'inline' ? body.octets.length : 0;
    const prefixes = heads.reduce((sum, { prefix }) => sum + prefix.length, 0);
    const records = this.#build(body, content);
    // Most are far from the limit; only near it is the exact size worth its price.
    if (inline + prefixes + this.#envelope.octets + FRAME_OCTETS <= queueLog.maxBatchOctets) return records;
    const fits = (batch: readonly QueueRecord[]): boolean =>
      batch.reduce((sum, record) => sum + queueLog.sizeOf(record), 0) <= queueLog.maxBatchOctets;
    if (fits(records)) return records;
    if (body.kind === 'stored') return BATCH_TOO_LARGE;
    return this.#intake.store(body).then(
      (stored) => {
        const smaller = this.#build(stored, content);
        return fits(smaller) ? smaller : BATCH_TOO_LARGE;
      },
      (error: unknown) => this.#storeFault(error),
    );
  }

  #build(body: BodyReference, { header, splinters, sealed, traceparent }: Content): QueueRecord[] {
    const { session, command, recipients, expansions, access } = this.#envelope;
    const { parameters, reversePath } = command;
    const { ports, settings } = this.#context;
    const { messageId } = header;
    const gateway = access.gateways.gatewayOf(session.clientAddress, reversePath);
    return buildAcceptance(
      {
        message: this.#message,
        at: ports.clock.now(),
        injection: {
          icid: session.icid,
          listener: settings.listener,
          clientAddress: session.clientAddress,
          helo: session.helo,
          ...flowFacts(this.#envelope),
          ...(session.user === undefined ? {} : { user: session.user }),
        },
        reversePath: reversePath?.address ?? null,
        eightBit: this.#eightBit,
        smtpUtf8: parameters.smtpUtf8 && this.#needsSmtpUtf8(header),
        ...(parameters.ret === undefined ? {} : { ret: parameters.ret }),
        ...(parameters.envid === undefined ? {} : { envid: parameters.envid }),
        ...(messageId === undefined ? {} : { headerMessageId: messageId }),
        traceparent,
        ...(gateway === undefined ? {} : { gateway }),
        ...(expansions.length === 0 ? {} : { expansions }),
        expiresAt: this.#expiresAt,
        body,
        sizeOctets: this.#intake.sizeOctets + sealed.addedOctets,
        heads: sealed.heads,
      },
      recipients,
      splinters,
    );
  }

  /** A client may say SMTPUTF8 for mail that does not need it; then any next hop can take it (RFC 6531 §3.6). */
  #needsSmtpUtf8(header: MessageHeader): boolean {
    const { command, recipients } = this.#envelope;
    return (
      command.reversePath?.needsSmtpUtf8 === true ||
      recipients.some(({ needsSmtpUtf8 }) => needsSmtpUtf8) ||
      (this.#eightBit && !isAscii(header.octets))
    );
  }

  async #append(
    records: readonly QueueRecord[],
    { header, splinters, sealed, traceparent }: Content,
    dotAt: number,
  ): Promise<Reply> {
    const { ports, pressure } = this.#context;
    const { session, command, recipients, expansions, startedAt } = this.#envelope;
    // Nobody would hear the 250: the client comes again, and this one would be a duplicate (I1).
    if (session.gone) {
      this.#intake.abort();
      return GONE;
    }
    const answer = await appendAcceptance(ports.queueLog, this.#partition, records, ports.clock);
    if (answer.code !== 250) {
      pressure.storeFailed();
      return this.#refuse(answer);
    }
    const [accepted, ...rest] = records;
    if (accepted?.type !== 'MessageAccepted') return answer;
    const endedAt = ports.clock.now();
    publishMailEvent({
      kind: 'accepted',
      icid: session.icid,
      message: this.#message,
      reversePath: command.reversePath?.address ?? null,
      recipients: rest.flatMap((record) =>
        record.type === 'RecipientQueued'
          ? {
              forwardPath: record.forwardPath,
              copy: record.copy,
              dropped: splinters[record.copy]!.policy.actions.drop === true,
              ...(recipients[record.recipient]!.discardedBy === undefined
                ? {}
                : { discardedBy: recipients[record.recipient]!.discardedBy! }),
            }
          : [],
      ),
      ...(expansions.length === 0 ? {} : { expansions }),
      relayed: this.#envelope.relays,
      copies: accepted.copies.map(({ policy, sizeOctets }) => ({ policy, sizeOctets })),
      ...signatureFacts(sealed, this.#signing),
      partition: this.#partition,
      ...(header.messageId === undefined ? {} : { headerMessageId: header.messageId }),
      traceparent,
      startedAt,
      endedAt,
      dotToReplyMs: endedAt - dotAt,
    });
    return answer;
  }

  /** Mail of those who relay is going out, that of all others coming in; where its recipients are does not matter (R110). */
  get #policies(): MailPolicyTable {
    const { access, relays } = this.#envelope;
    return relays ? access.outgoing : access.policies;
  }

  /** Envelope sender, then From, then Reply-To (R113). The header is read only where a policy could ask for it. */
  #senders(header: MessageHeader): PolicySenders {
    const { reversePath } = this.#envelope.command;
    const envelope = reversePath === null ? [] : [reversePath];
    return this.#policies.asksForAuthors ? [...envelope, ...header.authors()] : envelope;
  }

  #storeFault(error: unknown): Reply {
    if (isMtaError(error, 'BODY_STORE_FULL')) return STORE_FULL;
    this.#context.pressure.storeFailed();
    return STORE_AWAY;
  }

  #refuse(refusal: Reply): Reply {
    publishMailEvent({ kind: 'contentRefused', icid: this.#envelope.session.icid, reply: refusal });
    return refusal;
  }
}

/** A message that is taken, before it is a batch. */
interface Content {
  readonly header: MessageHeader;
  readonly splinters: readonly Splinter[];
  readonly sealed: Sealed;
  readonly traceparent: string;
}

const asItIs = (body: BodyReference, heads: readonly CopyHead[]): Sealed => ({ body, heads, addedOctets: 0, by: [] });

/** Mail of those who relay is signed (DKIM), unless their mail flow policy says otherwise. */
function signingOf(
  { signer }: IngressPorts,
  { access, relays, session, command }: Envelope,
): ContentSigning | undefined {
  if (!relays || signer === undefined || access.dkim.isEmpty) return undefined;
  if (flowOf(session).verdict?.limits.dkimSigning === false) return undefined;
  return new ContentSigning(signer, access.dkim, command.reversePath);
}

/** What the mail log says of signatures; nothing where there are none. */
function signatureFacts({ by }: Sealed, signing: ContentSigning | undefined) {
  const author = signing?.author;
  return author === undefined || by.length === 0
    ? {}
    : { signed: { by, author: `${author.localPart}@${author.domain}` } };
}

/** What the record of an acceptance says of the client's standing; nothing where the listener's table has no rows. */
function flowFacts({ session, relays }: Envelope): Partial<Injection> {
  const { isListed, verdict } = flowOf(session);
  const relayed = relays ? { relayed: true } : {};
  if (!isListed || verdict === undefined) return relayed;
  const { group, policy } = verdict;
  return { senderGroup: group, ...(policy === '' ? {} : { flowPolicy: policy }), ...relayed };
}
