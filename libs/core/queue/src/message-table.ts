import { Arena } from './arena.ts';
import { MessageRows } from './message-rows.ts';
import { PackedValues } from './packed-values.ts';
import type { FoldedMessage, OpenAttempt, OpenEnvelope, OpenMessage, OpenRecipient } from './open-message.ts';
import type { Decision, MessageId } from './records.ts';

/** Recipients of messages kept as objects, about 1.5 KiB each. A worker may own 64 partitions, each with its table. */
const HOT_RECIPIENTS = 2_048;

/** What is packed: the message with its maps and sets as arrays. The id comes first, then what a glance shows. */
interface Packed {
  readonly id: MessageId;
  readonly fullStateOffset: number;
  /** Of the envelope, for a glance; left out where it has none. */
  readonly gateway?: string;
  readonly recipients: readonly OpenRecipient[];
  readonly envelope: OpenEnvelope;
  readonly attempts: readonly (Omit<OpenAttempt, 'recipients'> & { readonly recipients: readonly number[] })[];
  readonly lastDecision: Decision | undefined;
  readonly fullStatePosition: number;
  readonly fullStateOctets: number;
}

/** What {@link MessageTable.glance} shows of a message. */
export interface Glance {
  readonly id: MessageId;
  readonly fullStateOffset: number;
  /** The virtual gateway by which it leaves. */
  readonly gateway: string | undefined;
  readonly recipients: Iterable<OpenRecipient>;
}

/**
 * The open messages of a partition, in rising order of their last full state: the first is what holds the mark.
 *
 * Those touched lately are objects; the others, which may be a million, lie packed in an arena, a few hundred octets
 * each and nothing for the garbage collector to look at. Iteration goes on while messages come and go: it gives each
 * message that is there when its turn comes.
 */
export class MessageTable implements Iterable<OpenMessage> {
  readonly #hotRecipients: number;
  /** Rows name an object by its place below zero, a packed message by its name in the arena. */
  readonly #rows = new MessageRows();
  readonly #arena = new Arena();
  readonly #values = new PackedValues();
  readonly #objects: (FoldedMessage | undefined)[] = [];
  readonly #vacant: number[] = [];
  /** The object to be packed next: they take turns. */
  #hand = 0;
  #hotCount = 0;
  #liveOctets = 0;
  #recipientCount = 0;

  constructor(hotRecipients = HOT_RECIPIENTS) {
    this.#hotRecipients = hotRecipients;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Octets that the full states of all open messages take in the log (I7). */
  get liveOctets(): number {
    return this.#liveOctets;
  }

  /** Recipients that wait. */
  get recipientCount(): number {
    return this.#recipientCount;
  }

  /** Octets of the packed messages and their index, free room included. */
  get packedOctets(): number {
    return this.#arena.sizeOctets + this.#rows.sizeOctets;
  }

  has(id: MessageId): boolean {
    return this.#find(id) !== undefined;
  }

  get(id: MessageId): OpenMessage | undefined {
    return this.edit(id);
  }

  /** The message whose last full state stands at this offset. */
  at(fullStateOffset: number): OpenMessage | undefined {
    const name = this.#rows.nameAt(fullStateOffset);
    return name === undefined ? undefined : this.#warm(name);
  }

  /** The same without keeping it at hand: a look at many must not drive out what is in use. */
  peek(fullStateOffset: number): OpenMessage | undefined {
    const found = this.#after(fullStateOffset - 1);
    return found?.fullStateOffset === fullStateOffset ? found : undefined;
  }

  /** Where the last full state of a message stands, without keeping the message at hand. */
  offsetOf(id: MessageId): number | undefined {
    const name = this.#find(id);
    if (name === undefined) return undefined;
    return (name < 0 ? this.#objects[-1 - name]! : this.#unpack(name)).fullStateOffset;
  }

  /** The message that has gone longest without a full state. */
  first(): OpenMessage | undefined {
    return this.#after(-1);
  }

  [Symbol.iterator](): IterableIterator<OpenMessage> {
    return this.from(0);
  }

  /** The messages whose last full state stands at this offset or behind it, in that order. */
  *from(fullStateOffset: number): IterableIterator<OpenMessage> {
    let next = this.#after(fullStateOffset - 1);
    for (; next !== undefined; next = this.#after(next.fullStateOffset)) yield next;
  }

  /** The same as iteration, but only what tells who waits: of packed messages the rest is not unpacked. */
  *glance(): IterableIterator<Glance> {
    for (let offset = -1; ; ) {
      const name = this.#rows.nameAfter(offset);
      if (name === undefined) return;
      const glance = name < 0 ? this.#glanceAt(this.#objects[-1 - name]!) : this.#glanceInto(name);
      offset = glance.fullStateOffset;
      yield glance;
    }
  }

  #glanceAt({ id, fullStateOffset, envelope: { gateway }, recipients }: FoldedMessage): Glance {
    return { id, fullStateOffset, gateway, recipients: recipients.values() };
  }

  #glanceInto(name: number): Glance {
    const octets = this.#arena.get(name);
    const first = this.#values.unpackFirst(octets, 3);
    const [id, fullStateOffset] = first as [Packed['id'], Packed['fullStateOffset']];
    // Where there is no gateway the recipients stand in its place.
    const gateway = typeof first[2] === 'string' ? first[2] : undefined;
    const recipients = gateway === undefined ? first[2] : this.#values.unpackFirst(octets, 4)[3];
    return { id, fullStateOffset, gateway, recipients: recipients as Packed['recipients'] };
  }

  /** For the fold: the message, to be changed in place before any other is asked for. */
  edit(id: MessageId): FoldedMessage | undefined {
    const name = this.#find(id);
    return name === undefined ? undefined : this.#warm(name);
  }

  /** The object of that name, made of its packed form if need be. */
  #warm(name: number): FoldedMessage {
    if (name < 0) return this.#objects[-1 - name]!;
    const message = this.#unpack(name);
    this.#arena.free(name);
    this.#rows.rename(message.fullStateOffset, this.#place(message));
    this.#cool(message);
    return message;
  }

  /** For the fold: adds a message whose full state has just been read, at the end. Replaces one of the same id. */
  put(message: FoldedMessage): void {
    this.delete(message.id);
    this.#rows.add(message.id, message.fullStateOffset, this.#place(message));
    this.#liveOctets += message.fullStateOctets;
    this.#recipientCount += message.recipients.size;
    this.#cool(message);
  }

  /** For the fold: a recipient was added to a message being created, whose record takes this many octets. */
  grow(message: FoldedMessage, octets: number): void {
    message.fullStateOctets += octets;
    this.#liveOctets += octets;
    this.#recipientCount += 1;
    this.#hotCount += 1;
  }

  /** For the fold: one recipient of a message has closed. */
  close(message: FoldedMessage, recipient: number): void {
    if (!message.recipients.delete(recipient)) return;
    this.#recipientCount -= 1;
    this.#hotCount -= 1;
  }

  /** For the fold: takes a message out. */
  delete(id: MessageId): void {
    const name = this.#find(id);
    if (name === undefined) return;
    const message = name < 0 ? this.#objects[-1 - name]! : this.#unpack(name);
    if (name < 0) this.#vacate(-1 - name);
    else this.#arena.free(name);
    this.#rows.remove(message.fullStateOffset);
    this.#liveOctets -= message.fullStateOctets;
    this.#recipientCount -= message.recipients.size;
  }

  // ---- objects and packed forms

  #find(id: MessageId): number | undefined {
    return this.#rows.find(id, (name) =>
      name < 0
        ? this.#objects[-1 - name]!.id === id
        : (this.#values.isFirstText(id, this.#arena.get(name)) ?? this.#unpack(name).id === id),
    );
  }

  /** Without making an object of it that stays: a walk over all must not drive out what is in use. */
  #after(offset: number): FoldedMessage | undefined {
    const name = this.#rows.nameAfter(offset);
    if (name === undefined) return undefined;
    return name < 0 ? this.#objects[-1 - name] : this.#unpack(name);
  }

  /** Keeps the object and gives the name for its row. */
  #place(message: FoldedMessage): number {
    const place = this.#vacant.pop() ?? this.#objects.length;
    this.#objects[place] = message;
    this.#hotCount += message.recipients.size;
    return -1 - place;
  }

  #vacate(place: number): void {
    this.#hotCount -= this.#objects[place]!.recipients.size;
    this.#objects[place] = undefined;
    this.#vacant.push(place);
  }

  /** Packs others while there are too many objects: whoever asked for `kept` is about to use it. */
  #cool(kept: FoldedMessage): void {
    while (this.#hotCount > this.#hotRecipients && this.#vacant.length + 1 < this.#objects.length) {
      this.#hand = (this.#hand + 1) % this.#objects.length;
      const message = this.#objects[this.#hand];
      if (message === undefined || message === kept) continue;
      this.#vacate(this.#hand);
      this.#rows.rename(message.fullStateOffset, this.#arena.put(this.#pack(message)));
    }
  }

  #pack(message: FoldedMessage): Uint8Array {
    const { id, envelope, recipients, attempts, lastDecision } = message;
    const packed: Packed = {
      id,
      fullStateOffset: message.fullStateOffset,
      ...(envelope.gateway === undefined ? {} : { gateway: envelope.gateway }),
      recipients: [...recipients.values()],
      envelope,
      attempts: attempts.map((attempt) => ({ ...attempt, recipients: [...attempt.recipients] })),
      lastDecision,
      fullStatePosition: message.fullStatePosition,
      fullStateOctets: message.fullStateOctets,
    };
    return this.#values.pack(packed);
  }

  #unpack(name: number): FoldedMessage {
    const { gateway: _gateway, ...packed } = this.#values.unpack(this.#arena.get(name)) as Packed;
    const recipients = new Map<number, OpenRecipient>();
    for (const recipient of packed.recipients) recipients.set(recipient.recipient, recipient);
    const attempts = packed.attempts.map((attempt) => ({ ...attempt, recipients: new Set(attempt.recipients) }));
    return { ...packed, recipients, attempts };
  }
}
