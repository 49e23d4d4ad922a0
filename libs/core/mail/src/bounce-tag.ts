/**
 * Tags on envelope senders, by which bounces of our own mail are told from forged ones (R140): BATV with private
 * signatures, `prvs=KDDDSSSSSS=user@example.com`. K is the number of the key, DDD the last three digits of the day on which
 * it ends, counted from 1970, SSSSSS the first 24 bits of a signature over K, DDD and the address.
 *
 * @see draft-levine-smtp-batv-01 §3, §4
 */
import { type Address, comparableLocalPart, type Mailbox, parseMailbox } from './mailbox.ts';

/** The keys that tags are signed with. The keys themselves stay with whoever implements it. */
export interface BounceKeys {
  /** Whether there are any: without, nothing is tagged and nothing verified. */
  readonly isThere: boolean;
  /** The number, 0 to 9, of the key that new tags are signed with; undefined while it cannot be read. */
  readonly signing: number | undefined;
  /** Whether there is a key of this number, readable or not. */
  has(key: number): boolean;
  /** The signature of a text in six hexadecimal digits, in capitals; undefined without the key. */
  sign(key: number, text: string): string | undefined;
}

/** For how many days a tag is good: no bounce comes later. */
export const TAG_DAYS = 7;
const DAY_MS = 86_400_000;
const LOCAL_PART_LIMIT = 64;
const TAG = /^prvs=(\d)(\d{3})([0-9A-F]{6})=(.+)$/i;

/**
 * What stands in MAIL in the place of an envelope sender.
 *
 * It stays what it is where it is tagged already, where no key can sign, and where there is no room: a quoted local part,
 * or one that would be longer than 64 octets (RFC 5321 §4.5.3.1.1).
 *
 * @param now milliseconds of the epoch
 */
export function tagSender(sender: Address, now: number, keys: BounceKeys): Address {
  const { signing } = keys;
  const mailbox = signing === undefined ? undefined : parseMailbox(sender);
  if (mailbox === undefined || mailbox.domain === '' || mailbox.localPart.startsWith('"')) return sender;
  if (TAG.test(mailbox.localPart)) return sender;
  const head = `${signing}${dayText(dayOf(now) + TAG_DAYS)}`;
  const signature = keys.sign(signing!, signedText(head, mailbox));
  const tagged = parseMailbox(`prvs=${head}${signature}=${sender}`);
  if (signature === undefined || tagged === undefined || tagged.localPart.length > LOCAL_PART_LIMIT) return sender;
  return tagged.address;
}

/**
 * What a tag on a recipient is worth. `none`: there is none. `valid`: the recipient is `mailbox`. `invalid`: it was not
 * signed by a key that is there, or, where `why` says so, too long ago. `unknown`: its key cannot be read now.
 */
export type TagVerdict =
  | { readonly kind: 'none' | 'unknown' }
  | { readonly kind: 'valid'; readonly mailbox: Mailbox }
  | { readonly kind: 'invalid'; readonly why: 'expired' | 'forged'; readonly mailbox: Mailbox };

/** @param now milliseconds of the epoch */
export function judgeTag({ localPart, address }: Mailbox, now: number, keys: BounceKeys): TagVerdict {
  const [, key, day, signature, original] = TAG.exec(localPart) ?? [];
  const mailbox = original === undefined ? undefined : parseMailbox(`${original}${address.slice(localPart.length)}`);
  if (mailbox === undefined) return { kind: 'none' };
  const expected = keys.sign(Number(key), signedText(`${key}${day}`, mailbox));
  if (expected === undefined && keys.has(Number(key))) return { kind: 'unknown' };
  if (expected !== signature!.toUpperCase()) return { kind: 'invalid', why: 'forged', mailbox };
  const left = (Number(day) - dayOf(now) + 1_000_000) % 1_000;
  return left <= TAG_DAYS ? { kind: 'valid', mailbox } : { kind: 'invalid', why: 'expired', mailbox };
}

/** Hosts on the way may write an address in another case. */
function signedText(head: string, { localPart, domain }: Mailbox): string {
  return `${head}${comparableLocalPart(localPart)}@${domain}`;
}

function dayOf(now: number): number {
  return Math.floor(now / DAY_MS);
}

function dayText(day: number): string {
  return String(day % 1_000).padStart(3, '0');
}
