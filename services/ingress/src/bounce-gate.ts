import { type BounceKeys, judgeTag, type Mailbox, type Reply, reply } from '@mailyard/mail';

const NO_BOUNCE_OF_OURS = reply(550, '5.7.1', 'This is no bounce of mail that was sent from here');
const NOT_KNOWN_NOW = reply(451, '4.3.0', 'The address cannot be verified now, try again later');

/** What became of a recipient before any table was asked. */
export interface VerifiedRecipient {
  /** The recipient without its tag. */
  readonly mailbox: Mailbox;
  /** Why it is no bounce of ours, where it could be one: it comes from the null sender and has no good tag. */
  readonly fault?: 'untagged' | 'forged' | 'expired';
  /** It cannot be told now. */
  readonly refusal?: Reply;
}

/**
 * Bounce verification on receipt (R140): a bounce of our mail comes to the tagged sender of that mail, and to no other
 * address. A good tag is taken off, whoever writes: replies of programs come to it as well, and may come late.
 */
export class BounceGate {
  readonly #keys: BounceKeys | undefined;
  readonly #isBounce: boolean;
  readonly #policy: 'accept' | 'mark' | 'refuse';
  /** What the header is to tell of the message; undefined where there is nothing to tell. */
  mark: VerifiedRecipient['fault'];

  /**
   * @param keys undefined, or none in them: nothing is looked at
   * @param isBounce the sender is the null one
   */
  constructor(keys: BounceKeys | undefined, isBounce: boolean, policy: 'accept' | 'mark' | 'refuse' = 'accept') {
    this.#keys = keys?.isThere === true ? keys : undefined;
    this.#isBounce = isBounce;
    this.#policy = policy;
  }

  /** @param now milliseconds of the epoch */
  verify(recipient: Mailbox, now: number): VerifiedRecipient {
    if (this.#keys === undefined) return { mailbox: recipient };
    const verdict = judgeTag(recipient, now, this.#keys);
    switch (verdict.kind) {
      case 'valid':
        return { mailbox: verdict.mailbox };
      case 'unknown':
        return { mailbox: recipient, refusal: NOT_KNOWN_NOW };
      case 'invalid':
        if (this.#isBounce) return { mailbox: verdict.mailbox, fault: verdict.why };
        return { mailbox: verdict.why === 'expired' ? verdict.mailbox : recipient };
      case 'none':
        return this.#isBounce && recipient.domain !== ''
          ? { mailbox: recipient, fault: 'untagged' }
          : { mailbox: recipient };
    }
  }

  /** Why a recipient that the access table takes is refused all the same. */
  judge({ fault, refusal }: VerifiedRecipient): Reply | undefined {
    return fault !== undefined && this.#policy === 'refuse' ? NO_BOUNCE_OF_OURS : refusal;
  }

  /** It is one of the message's recipients: what is to be marked is noted. One that was refused says nothing of the others' mail. */
  taken({ fault }: VerifiedRecipient): void {
    if (this.#policy === 'mark') this.mark ??= fault;
  }
}

/** The header field that marks a message from the null sender whose recipient had no good tag; '' for none. */
export function bounceMark(mark: VerifiedRecipient['fault']): string {
  return mark === undefined ? '' : `X-Mailyard-Bounce-Verification: ${mark}\r\n`;
}
