/** What a host offers, from its EHLO reply. All absent after HELO. */
export interface Capabilities {
  readonly pipelining: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  readonly startTls: boolean;
  /** Whether MAIL may carry SIZE. */
  readonly size: boolean;
  /** The largest message it takes, in octets; undefined when it does not say. */
  readonly sizeLimitOctets: number | undefined;
  /** SASL mechanisms, upper case. */
  readonly mechanisms: readonly string[];
  /** LIMITS RCPTMAX and MAILMAX (RFC 9422). */
  readonly recipientLimit: number | undefined;
  readonly transactionLimit: number | undefined;
}

/** What a host can do that knows no EHLO. */
export const NO_CAPABILITIES: Capabilities = parseCapabilities([]);

/**
 * Reads the lines of an EHLO reply, the first (the host's name) included. Keywords and values that are not understood
 * are passed over; where a keyword comes twice the last one counts, but AUTH adds up.
 *
 * @see RFC 5321 §4.1.1.1; RFC 1870, 2920, 3207, 3461, 4954, 6152, 6531, 9422
 */
export function parseCapabilities(lines: readonly string[]): Capabilities {
  const words = new Map<string, readonly string[]>();
  const mechanisms = new Set<string>();
  for (const line of lines.slice(1)) {
    // `AUTH=LOGIN PLAIN` is how some old hosts write it.
    const [name = '', ...values] = line
      .trim()
      .toUpperCase()
      .replace(/^AUTH=/, 'AUTH ')
      .split(/[ \t]+/);
    words.set(name, values);
    if (name === 'AUTH') for (const mechanism of values) mechanisms.add(mechanism);
  }
  const limit = (name: string): number | undefined => {
    const pair = words.get('LIMITS')?.find((value) => value.startsWith(`${name}=`));
    return decimal(pair?.slice(name.length + 1));
  };
  const sizeLimit = decimal(words.get('SIZE')?.[0]);
  return {
    pipelining: words.has('PIPELINING'),
    eightBitMime: words.has('8BITMIME'),
    smtpUtf8: words.has('SMTPUTF8'),
    dsn: words.has('DSN'),
    startTls: words.has('STARTTLS'),
    size: words.has('SIZE'),
    sizeLimitOctets: sizeLimit === 0 ? undefined : sizeLimit,
    mechanisms: [...mechanisms],
    recipientLimit: limit('RCPTMAX'),
    transactionLimit: limit('MAILMAX'),
  };
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
