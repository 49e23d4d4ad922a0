/** What our Received field tells of the receipt. */
export interface Receipt {
  readonly helo: string;
  readonly clientAddress: string;
  readonly hostname: string;
  readonly message: string;
  readonly extended: boolean;
  readonly tls: boolean;
  /** Whether the client has authenticated; as whom is nobody's business who reads the message. */
  readonly authenticated: boolean;
  readonly smtpUtf8: boolean;
  /** The one recipient; absent with several, so that none learns of the others (R96). */
  readonly recipient?: string;
  readonly at: number;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const PRINTABLE = /^[\x21-\x7e]+$/;

let lastSecond = -1;
let lastDate = '';

/** A date as mail has it, in UTC. The last one is remembered: many messages come in one second. */
function mailDate(at: number): string {
  const second = Math.floor(at / 1000);
  if (second === lastSecond) return lastDate;
  const date = new Date(second * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  lastDate = `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
  lastSecond = second;
  return lastDate;
}

/**
 * Makes the Received field, its CRLF included. What came from the client is in it only where it is printable US-ASCII.
 *
 * @see RFC 5321 §4.4, RFC 3848, RFC 6531 §3.7.3
 */
export function receivedField(receipt: Receipt): string {
  const { helo, clientAddress, hostname, message, extended, tls, authenticated, smtpUtf8, recipient, at } = receipt;
  const literal = clientAddress.includes(':') ? `IPv6:${clientAddress}` : clientAddress;
  const from = PRINTABLE.test(helo) ? helo : 'unknown';
  const protocol = `${smtpUtf8 ? 'UTF8' : extended ? 'E' : ''}SMTP${tls ? 'S' : ''}${authenticated ? 'A' : ''}`;
  const forClause = recipient !== undefined && PRINTABLE.test(recipient) ? `\r\n\tfor <${recipient}>` : '';
  return `Received: from ${from} ([${literal}])\r\n\tby ${hostname} (Mailyard) with ${protocol} id ${message}${forClause};\r\n\t${mailDate(at)}\r\n`;
}
