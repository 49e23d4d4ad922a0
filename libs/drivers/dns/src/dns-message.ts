/**
 * Questions and answers of the DNS in octets (RFC 1035 §4.1), as far as Node's stub does not tell what they say: whether
 * the resolver has validated them (AD, RFC 4035 §3.2.3), and TLSA records as they came.
 */
export const TYPES = { a: 1, cname: 5, mx: 15, aaaa: 28, tlsa: 52 } as const;
const OPT = 41;
const INTERNET = 1;
/** Of a datagram; larger answers come over TCP (the size that resolvers have agreed on in 2020). */
const PAYLOAD_OCTETS = 1_232;
const NAME_LABELS = 128;

export interface DnsRecord {
  /** Lower case, without the last dot. */
  readonly owner: string;
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
}

export interface DnsReply {
  readonly isTruncated: boolean;
  /** The resolver has validated all that it says. */
  readonly isAuthentic: boolean;
  /** RCODE: 0 no error, 2 SERVFAIL, 3 NXDOMAIN. */
  readonly code: number;
  readonly answers: readonly DnsRecord[];
}

/** Asks a resolver to recurse, and to tell whether it has validated the answer (AD and DO, RFC 6840 §5.7). */
export function writeQuestion(id: number, name: string, type: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  if (labels.some(({ length }) => length === 0 || length > 63)) throw new RangeError(`${name} is no name of the DNS`);
  const header = Buffer.from([id >> 8, id & 0xff, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1]);
  const question = Buffer.from([0, type >> 8, type & 0xff, 0, INTERNET]);
  const option = Buffer.from([0, 0, OPT, PAYLOAD_OCTETS >> 8, PAYLOAD_OCTETS & 0xff, 0, 0, 0x80, 0, 0, 0]);
  return Buffer.concat([header, ...labels.flatMap((label) => [Buffer.from([label.length]), label]), question, option]);
}

/**
 * Reads the reply to a question.
 *
 * @returns undefined when it is none, but something else that came to the same port
 * @throws RangeError when it is damaged
 */
export function readReply(message: Buffer, id: number, name: string, type: number): DnsReply | undefined {
  if (message.length < 12 || message.readUInt16BE(0) !== id || (message[2]! & 0x80) === 0) return undefined;
  const questions = message.readUInt16BE(4);
  const code = message[3]! & 0x0f;
  const isTruncated = (message[2]! & 0x02) !== 0;
  // A server that understood nothing may leave out what it was asked.
  if (questions === 0 && code !== 0) return { isTruncated, isAuthentic: false, code, answers: [] };
  const asked = readName(message, 12);
  if (questions !== 1 || asked.name !== name.toLowerCase()) return undefined;
  if (message.readUInt16BE(asked.end) !== type || message.readUInt16BE(asked.end + 2) !== INTERNET) return undefined;
  const answers: DnsRecord[] = [];
  let at = asked.end + 4;
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    const { name: owner, end } = readName(message, at);
    const length = message.readUInt16BE(end + 8);
    at = end + 10 + length;
    if (at > message.length) throw new RangeError('a record ends beyond the message');
    if (message.readUInt16BE(end + 2) !== INTERNET) continue;
    const data = message.subarray(end + 10, at);
    answers.push({ owner, type: message.readUInt16BE(end), ttlSeconds: message.readUInt32BE(end + 4), data });
  }
  return { isTruncated, isAuthentic: (message[3]! & 0x20) !== 0, code, answers };
}

/** A name, pointers followed; `end` is where what stands behind it begins. */
export function readName(message: Buffer, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  let end: number | undefined;
  for (let steps = 0; steps < NAME_LABELS; steps++) {
    const length = message.readUInt8(at);
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: end ?? at + 1 };
    if (length >= 0xc0) {
      end ??= at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      continue;
    }
    if (length > 63 || at + 1 + length > message.length) throw new RangeError('a label ends beyond the message');
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  throw new RangeError('a name without an end');
}
