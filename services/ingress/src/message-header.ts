import type { Subject } from '@mailyard/access';
import { countFields, firstField, HEADER_LIMIT, parseMailbox } from '@mailyard/mail';

/** The end of the last field and the empty line behind it. */
export const HEADER_END = Buffer.from('\r\n\r\n');
/** Characters of a Message-ID that are kept for tracing. */
const MESSAGE_ID_LIMIT = 250;

/** What ingress reads of a message's header section; the body is not looked at. */
export class MessageHeader {
  /** Without the empty line that ends it. */
  readonly octets: Buffer;
  /** Whether the end of the section was found, or the content ended within it. */
  readonly complete: boolean;
  /** One character an octet. */
  readonly #text: string;
  #messageId: string | null | undefined;

  /** @param head the beginning of the content: its header section with {@link HEADER_END}, or all, or more than {@link HEADER_LIMIT} */
  constructor(head: Buffer) {
    const end = head.indexOf(HEADER_END);
    this.complete = end >= 0 ? end < HEADER_LIMIT : head.length < HEADER_LIMIT;
    this.octets = end < 0 ? head : head.subarray(0, end + 2);
    this.#text = this.octets.toString('latin1');
  }

  /** How many Received fields there are; counting stops one above the limit. */
  received(limit: number): number {
    return countFields(this.#text, 'received', limit);
  }

  get messageId(): string | undefined {
    if (this.#messageId === undefined)
      this.#messageId = firstField(this.#text, 'message-id')?.slice(0, MESSAGE_ID_LIMIT) ?? null;
    return this.#messageId ?? undefined;
  }

  /** Whether one From field, no fewer and no more, says who wrote it (RFC 5322 §3.6). */
  get hasOneFrom(): boolean {
    return countFields(this.#text, 'from', 1) === 1;
  }

  /** Who wrote it, by the first From field; undefined where that is no address. */
  author(): Subject | undefined {
    return this.#mailbox('from');
  }

  /** Who is named as author, then where replies go (R113); what is no address is left out. */
  authors(): Subject[] {
    return (['from', 'reply-to'] as const).flatMap((name) => this.#mailbox(name) ?? []);
  }

  #mailbox(name: 'from' | 'reply-to'): Subject | undefined {
    const value = firstField(this.#text, name);
    return value === undefined ? undefined : addressIn(Buffer.from(value, 'latin1').toString());
  }
}

/** The address of a From or Reply-To field: what stands in the last angle brackets outside quotes, or the whole. */
function addressIn(value: string): Subject | undefined {
  let quoted = false;
  let open = -1;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === '<' && !quoted) open = at;
  }
  if (open < 0) return parseMailbox(value.trim());
  const close = value.lastIndexOf('>');
  return close < open ? undefined : parseMailbox(value.slice(open + 1, close).trim());
}
