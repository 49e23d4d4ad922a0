import type { Subject } from '@mailyard/access';
import type { DkimProfileTable } from '@mailyard/configuration';
import type { DkimSigner, DkimSigning, Signed } from '@mailyard/dkim';
import { HEADER_LIMIT } from '@mailyard/mail';
import type { BodyReference } from '@mailyard/queue';
import { AS_STORED, type CopyHead } from './acceptance.ts';
import { HEADER_END, MessageHeader } from './message-header.ts';

/** The end of our Received field, behind which the content stands: it may begin with an empty line. */
const LEAD = Buffer.from('\r\n');

/** What is to be stored and sent, signatures in it. */
export interface Sealed {
  readonly body: BodyReference;
  readonly heads: readonly CopyHead[];
  /** Octets that the body has become longer by. */
  readonly addedOctets: number;
  /** Profiles that signed. */
  readonly by: readonly string[];
  /** A profile without its key, whose mail must not go on unsigned. */
  readonly missing?: string;
}

/**
 * Follows the content of an outgoing message for its signatures: the header tells the author, and so the profiles; then
 * the body is hashed as it passes. Mail of an author without a profile costs a look at its header.
 */
export class ContentSigning {
  readonly #signer: DkimSigner;
  readonly #profiles: DkimProfileTable;
  readonly #sender: Subject | null;
  /** The header section so far, behind {@link LEAD}, with room for more; undefined once it has ended. */
  #head: Buffer | undefined = LEAD;
  #filled = LEAD.length;
  #author: Subject | undefined;
  #signing: DkimSigning | undefined;

  /** @param sender the reverse-path, by which a message goes whose From is no address */
  constructor(signer: DkimSigner, profiles: DkimProfileTable, sender: Subject | null) {
    this.#signer = signer;
    this.#profiles = profiles;
    this.#sender = sender;
  }

  /** By whom its profiles were found; undefined while there are none. */
  get author(): Subject | undefined {
    return this.#signing === undefined ? undefined : this.#author;
  }

  /** @param piece the next of the content; it is only lent */
  write(piece: Buffer): void {
    if (this.#head === undefined) {
      this.#signing?.body(piece);
      return;
    }
    // The end may lie across pieces, which may be of one octet each.
    const from = Math.max(0, this.#filled - (HEADER_END.length - 1));
    const before = this.#filled;
    const head = this.#append(this.#head, piece);
    const end = head.subarray(from, this.#filled).indexOf(HEADER_END);
    if (end >= 0) {
      const whole = from + end + HEADER_END.length;
      this.#choose(head.subarray(LEAD.length, whole));
      this.#signing?.body(piece.subarray(whole - before));
    } else if (this.#filled - LEAD.length > HEADER_LIMIT) this.#head = undefined;
  }

  /** Copies a piece behind what is there. A piece of its own for each octet would take a hundred times as much memory. */
  #append(head: Buffer, piece: Buffer): Buffer {
    const needed = this.#filled + piece.length;
    let room = head;
    if (needed > head.length) {
      // Most header sections end in the first piece.
      room = Buffer.allocUnsafeSlow(head === LEAD ? needed : 2 * needed);
      head.copy(room, 0, 0, this.#filled);
    }
    piece.copy(room, this.#filled);
    this.#filled = needed;
    this.#head = room;
    return room;
  }

  /**
   * Signs each copy under its own header section.
   *
   * @param header as stored
   * @param heads undefined for copies that nobody will get
   * @param at milliseconds of the epoch
   */
  async seal(
    body: BodyReference,
    header: Uint8Array,
    heads: readonly (CopyHead | undefined)[],
    at: number,
  ): Promise<Sealed> {
    if (this.#head !== undefined) this.#choose(this.#head.subarray(LEAD.length, this.#filled));
    const signing = this.#signing;
    const plain = { body, heads: heads.map((head) => head ?? AS_STORED), addedOctets: 0, by: [] };
    const isShared = body.kind === 'inline' && heads.every((head) => head === undefined || head === AS_STORED);
    if (signing === undefined || heads.every((head) => head === undefined)) return plain;
    if (isShared) {
      const { fields, ...signed } = await signing.sign(header, at);
      const octets = Buffer.concat([fields, body.octets]);
      return { ...plain, ...signed, body: { kind: 'inline', octets }, addedOctets: fields.length };
    }
    const signatures = new Map<CopyHead, Promise<Signed>>();
    for (const head of heads)
      if (head !== undefined && !signatures.has(head))
        signatures.set(head, signing.sign(head.skipOctets === 0 ? header : head.prefix, at));
    const all = await Promise.all(signatures.values());
    const missing = all.find((signed) => signed.missing !== undefined)?.missing;
    const signed = await Promise.all(
      heads.map(async (head): Promise<CopyHead> => {
        if (head === undefined) return AS_STORED;
        const { fields } = await signatures.get(head)!;
        return { ...head, prefix: Buffer.concat([fields, head.prefix]) };
      }),
    );
    return { ...plain, heads: signed, by: all[0]!.by, ...(missing === undefined ? {} : { missing }) };
  }

  #choose(head: Buffer): void {
    this.#head = undefined;
    const header = new MessageHeader(head);
    // A message without an author, or with two, is no one's to sign (RFC 6376 §8.15).
    if (!header.hasOneFrom) return;
    this.#author = header.author() ?? this.#sender ?? undefined;
    const profiles = this.#author === undefined ? [] : this.#profiles.signersOf(this.#author);
    if (profiles.length > 0) this.#signing = this.#signer.begin(profiles);
  }
}
