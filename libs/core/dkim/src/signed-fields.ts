import { countFields, type OctetText } from '@mailyard/mail';

/** What is signed where a profile does not say: RFC 6376 §5.4.1, and what large receivers look at besides. */
export const USUAL_FIELDS: readonly string[] = [
  'from',
  'reply-to',
  'subject',
  'date',
  'to',
  'cc',
  'message-id',
  'in-reply-to',
  'references',
  'sender',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-message-id',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
  'feedback-id',
];
/** Fields of one name that are signed at most, the lowest ones: more stand in no honest message. */
const MOST_OF_A_NAME = 20;

/** A line end that no continuation follows. */
const FIELD_END = /\r\n(?![ \t])/;
const FIELD_START = /^([!-9;-~]+)[ \t]*:/;

/** What is signed of a header section: names in the order of `h=`, and the fields as they stand, without the last CRLF. */
export interface SignedFields {
  readonly names: readonly string[];
  readonly fields: readonly OctetText[];
}

/** Whether a header says in one From field whose message it is; one without, or with two, is no one's (RFC 6376 §5.4, §8.15). */
export function mayBeSigned(header: OctetText): boolean {
  return countFields(header, 'from', 1) === 1;
}

/**
 * Chooses the fields to be signed. Of a name that stands several times, the lowest comes first (RFC 6376 §5.4.2). From is
 * named once more than it stands, so that none can be added (§8.15).
 *
 * @param header a header section in CRLF lines
 * @param wanted names in any case; From is always one of them
 */
export function chooseFields(header: OctetText, wanted: readonly string[] = USUAL_FIELDS): SignedFields {
  const byName = new Map<string, OctetText[]>();
  for (const field of header.split(FIELD_END)) {
    const name = FIELD_START.exec(field)?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const standing = byName.get(name);
    if (standing === undefined) byName.set(name, [field]);
    else standing.push(field);
  }
  const names: string[] = [];
  const fields: OctetText[] = [];
  for (const name of new Set(['from', ...wanted.map((one) => one.toLowerCase())])) {
    const standing = byName.get(name)?.slice(-MOST_OF_A_NAME).reverse() ?? [];
    for (const field of standing) {
      names.push(name);
      fields.push(field);
    }
    if (name === 'from') names.push(name);
  }
  return { names, fields };
}
