import {
  type Content,
  formatHost,
  type Host,
  hostKey,
  type RecipientResult,
  type RelayConnection,
  type Transaction,
} from '@mailyard/delivery-rules';
import { isMtaError, type ReversePath } from '@mailyard/mail';
import type { OpenEnvelope, OpenRecipient } from '@mailyard/queue';
import { publishMailEvent } from '@mailyard/telemetry';
import { Attempt, type AttemptCarrier } from '../outcomes/attempt.ts';
import { FactDraft } from '../partitions/outcome-drafts.ts';
import type { Parcel, Send } from '../destinations/parcel.ts';
import { type Carried, type Settlement, settle } from '../outcomes/settle.ts';

/** What a connection needs of its destination. */
export interface ConnectionHome extends Pick<Carried, 'profile' | 'hasOtherHost' | 'countsPossibleDelivery'> {
  readonly messagesPerConnection: number;
  /** The virtual gateway by which its connections leave. */
  readonly gateway: string | undefined;
  /** What MAIL says of the sender of a message (R140). @param now milliseconds of the epoch */
  senderOf(envelope: OpenEnvelope, now: number): ReversePath;
  /** A transaction has ended. */
  settled(connection: DeliveryConnection, settlement: Settlement, tookMs: number): void;
  /** There is room for another parcel, or nothing left to do. */
  available(connection: DeliveryConnection): void;
  /** No longer there. */
  closed(connection: DeliveryConnection): void;
}

/** Transactions that a connection has ahead: one under way, one whose intent is being written meanwhile. */
const AHEAD = 2;
/** A transaction that takes longer than this holds nobody else. */
const PATIENT_MS = 1_000;
/** Intents of one parcel that are written in one append. */
const INTENTS_AHEAD = 20;

/** An open connection and the transactions it is to carry, one after the other. */
export class DeliveryConnection implements AttemptCarrier, Carried {
  readonly relay: RelayConnection;
  readonly host: Host;
  readonly hostKey: string;
  readonly hostText: string;
  readonly #home: ConnectionHome;
  readonly #queue: Attempt[] = [];
  #rest: { readonly parcel: Parcel; next: number } | undefined;
  #sending: Attempt | undefined;
  /** Since when that has been under way, by the monotonic clock. */
  #sendingSince = 0;
  /** Transactions that it has begun to send. */
  #sent = 0;
  #retired = false;
  #closing: Promise<void> | undefined;
  /** Since when it has had nothing to do, by the monotonic clock. */
  idleSince: number;

  constructor(relay: RelayConnection, home: ConnectionHome, now: number) {
    this.relay = relay;
    this.host = relay.host;
    this.hostKey = hostKey(relay.host, home.gateway);
    this.hostText = formatHost(relay.host);
    this.#home = home;
    this.idleSince = now;
  }

  get dcid(): string {
    return this.relay.dcid;
  }

  get profile(): Carried['profile'] {
    return this.#home.profile;
  }

  get countsPossibleDelivery(): boolean {
    return this.#home.countsPossibleDelivery;
  }

  get sentBefore(): number {
    return this.#sent - 1;
  }

  hasOtherHost(tried: readonly string[]): boolean {
    return this.#home.hasOtherHost(tried);
  }

  /** Transactions under way or ahead. */
  get load(): number {
    return this.#queue.length + (this.#sending === undefined ? 0 : 1) + (this.#rest === undefined ? 0 : 1);
  }

  /** What it was given and has not ended. */
  *parcels(): Iterable<Parcel> {
    for (const { parcel } of this.#queue) yield parcel;
    if (this.#sending !== undefined) yield this.#sending.parcel;
    if (this.#rest !== undefined) yield this.#rest.parcel;
  }

  get isRetired(): boolean {
    return this.#retired || !this.relay.usable;
  }

  /**
   * Whether it takes another parcel of this many transactions (R104). A parcel that no connection could carry begins
   * anywhere. Nothing is put behind a transaction that takes long.
   *
   * @param now monotonic
   */
  takes(transactions: number, now: number): boolean {
    if (this.isRetired || this.load >= AHEAD || this.isSlow(now)) return false;
    const left = this.#home.messagesPerConnection - this.#given;
    return transactions <= left || (this.#given === 0 && left > 0);
  }

  /** Transactions that it has sent or is to send. One whose intent came to nothing takes no place of another. */
  get #given(): number {
    return this.#sent + this.#queue.length;
  }

  /** Whether the transaction under way has taken longer than others should wait for. */
  isSlow(now: number): boolean {
    return this.#sending !== undefined && now - this.#sendingSince >= PATIENT_MS;
  }

  /** Lets go what waits behind a transaction that takes long. */
  yieldQueue(): void {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) rest.parcel.partition.putBack(rest.parcel, rest.parcel.sends.slice(rest.next));
    for (const attempt of this.#queue.splice(0)) attempt.cancel();
  }

  /** Takes a parcel: its intents are written, and each transaction is sent once its intent was read back. */
  assign(parcel: Parcel): void {
    this.#rest = { parcel, next: 0 };
    this.#intendMore();
  }

  #intendMore(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    const { parcel } = rest;
    while (rest.next < parcel.sends.length && this.#queue.length < INTENTS_AHEAD) {
      if (this.#given >= this.#home.messagesPerConnection || this.isRetired) {
        this.#rest = undefined;
        parcel.partition.putBack(parcel, parcel.sends.slice(rest.next));
        return;
      }
      this.#intend(parcel, parcel.sends[rest.next]!);
      rest.next += 1;
    }
    if (rest.next >= parcel.sends.length) this.#rest = undefined;
  }

  #intend(parcel: Parcel, send: Send): void {
    const attempt = new Attempt(parcel, send, this);
    this.#queue.push(attempt);
    parcel.partition.appends.add(attempt);
  }

  begun(_attempt: Attempt): void {
    this.#advance();
  }

  gone(attempt: Attempt): void {
    const index = this.#queue.indexOf(attempt);
    if (index >= 0) this.#queue.splice(index, 1);
    if (this.#closing === undefined) this.#advance();
  }

  #advance(): void {
    if (this.#sending !== undefined) return;
    const next = this.#queue[0];
    if (next === undefined) {
      this.#intendMore();
      if (this.#queue.length === 0) this.#home.available(this);
      return;
    }
    if (next.state !== 'begun') return;
    this.#queue.shift();
    if (!next.parcel.partition.mayStart) {
      // The partition was lost, or the worker stops: what has not begun on the wire does not (I2).
      next.cancel();
      this.#advance();
      return;
    }
    this.#sending = next;
    this.#sent += 1;
    next.state = 'sending';
    this.#sendingSince = next.parcel.partition.steadyNow().monotonic;
    const content = this.#contentOf(next);
    if (content instanceof Promise)
      content.then(
        (ready) => this.#send(next, watched(ready, next)),
        (error: unknown) => this.#withoutContent(next, error),
      );
    else this.#send(next, content);
    this.#intendMore();
    if (this.load < AHEAD) this.#home.available(this);
  }

  #contentOf({ parcel: { partition }, message: id, copy }: Attempt): Content | Promise<Content> {
    const message = partition.owner.state.messages.get(id);
    if (message === undefined) return Promise.reject(new Error(`${id} closed while an attempt was open`));
    try {
      return partition.bodies.contentOf(partition.number, message, copy);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #send(attempt: Attempt, content: Content): void {
    const { partition } = attempt.parcel;
    const message = partition.owner.state.messages.get(attempt.message);
    const now = partition.steadyNow();
    attempt.startedAt = now.wall;
    const recipients: OpenRecipient[] = [];
    for (const rid of attempt.recipients) {
      const open = message?.recipients.get(rid);
      if (open !== undefined) recipients.push(open);
    }
    if (message === undefined || recipients.length === 0) {
      this.#over(attempt);
      return;
    }
    const { envelope } = message;
    const transaction: Transaction = {
      reversePath: this.#home.senderOf(envelope, now.wall),
      recipients,
      eightBit: envelope.eightBit,
      smtpUtf8: envelope.smtpUtf8,
      content,
      ...(envelope.ret === undefined ? undefined : { ret: envelope.ret }),
      ...(envelope.envid === undefined ? undefined : { envid: envelope.envid }),
      ...(partition.isExclusive ? undefined : { mayEnd: () => partition.attempts.mayEnd(attempt) }),
    };
    publishMailEvent({
      kind: 'transactionStarted',
      dcid: this.dcid,
      message: attempt.message,
      copy: attempt.copy,
      recipients: attempt.recipients,
    });
    const startedAt = now.monotonic;
    this.relay.send(transaction).then(
      (results) => this.#ended(attempt, results, startedAt),
      (error: unknown) => this.#ended(attempt, allFailed(attempt, error), startedAt),
    );
  }

  #ended(attempt: Attempt, results: readonly RecipientResult[], startedAt: number): void {
    if (attempt.contentError !== undefined) {
      this.#withoutContent(attempt, attempt.contentError);
      return;
    }
    const settlement = settle(attempt, results, this);
    const tookMs = attempt.parcel.partition.steadyNow().monotonic - startedAt;
    if (!settlement.keepConnection) this.#retired = true;
    this.#home.settled(this, settlement, tookMs);
    this.#over(attempt);
  }

  /** The content cannot be had (I10): the recipients wait, loudly, and are never bounced for it. */
  #withoutContent(attempt: Attempt, error: unknown): void {
    const { partition, route } = attempt.parcel;
    const reason = error instanceof Error ? error.message : String(error);
    publishMailEvent({
      kind: 'alarm',
      name: isMtaError(error, 'BODY_MISSING') ? 'body-missing' : 'body-store-away',
      detail: reason,
    });
    const { wall } = partition.steadyNow();
    for (const recipient of attempt.recipients)
      partition.appends.add(
        new FactDraft({
          type: 'RecipientDeferred',
          message: attempt.message,
          recipient,
          attempt: attempt.decision!,
          route,
          routeVersion: partition.routeVersion,
          stage: 'body',
          reply: { code: 451, enhancedStatus: '4.3.0', text: reason },
          dueAt: wall + this.profile.initialWaitMs,
          countsAsRetry: false,
          outcomeUnknown: false,
          at: wall,
        }),
      );
    this.#over(attempt);
  }

  #over(attempt: Attempt): void {
    attempt.state = 'over';
    attempt.parcel.partition.attempts.ended(attempt);
    this.#sending = undefined;
    if (this.#sent >= this.#home.messagesPerConnection) this.#retired = true;
    if (this.isRetired) void this.close();
    else {
      if (this.load === 0) this.idleSince = attempt.parcel.partition.steadyNow().monotonic;
      this.#advance();
    }
  }

  /**
   * Takes no more; what was not sent yet is put back, what is being sent ends as it ends. Closes once that is over.
   *
   * @param cut do not wait for what is being sent: cut it off
   */
  close(cut = false): Promise<void> {
    this.#retired = true;
    this.yieldQueue();
    if (this.#sending !== undefined && !cut) return Promise.resolve();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The host has one connection of ours more until it has ended. */
  async #close(): Promise<void> {
    await this.relay.close();
    publishMailEvent({ kind: 'connectionClosed', dcid: this.dcid });
    this.#home.closed(this);
  }
}

/** Notes what goes wrong with a stream of content: it is not the host's fault. */
function watched(content: Content, attempt: Attempt): Content {
  const { octets, sizeOctets } = content;
  if (typeof octets !== 'function') return content;
  return {
    sizeOctets,
    octets: async () => {
      try {
        return noting(await octets(), attempt);
      } catch (error) {
        attempt.contentError = error;
        throw error;
      }
    },
  };
}

async function* noting(source: AsyncIterable<Uint8Array>, attempt: Attempt): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    attempt.contentError = error;
    throw error;
  }
}

function allFailed({ recipients }: Attempt, error: unknown): RecipientResult[] {
  const reason = error instanceof Error ? error.message : String(error);
  return recipients.map((recipient) => ({ recipient, kind: 'failed', stage: 'mail', reason }));
}
