import type {
  Content,
  Host,
  RecipientResult,
  Relay,
  RelayConnection,
  RelayOptions,
  SessionFailure,
  Transaction,
  TransactionRecipient,
} from '@mailyard/delivery-rules';
import type { Address, ReversePath } from '@mailyard/mail';
import type { SmtpSink } from './smtp-sink.ts';

/** What a relay suite needs to know of the driver that it is run against. */
export interface RelayUnderTest {
  /** Makes a relay that waits this long at most for anything, in milliseconds, and has these files in PEM for TLS. */
  make(waitMs: number, tlsFiles?: { authority?: string; certificate?: string; key?: string }): Relay;
  /** What the driver cannot do; each is a decision of the driver, written down in its own docstring. */
  readonly cannot?: ReadonlySet<'headerSmtpUtf8' | 'quotedBrackets' | 'lastWords'>;
}

export const OPTIONS: RelayOptions = { heloName: 'gateway.test', tls: 'none' };

export function hostOf(sink: SmtpSink): Host {
  return { name: 'localhost', address: '127.0.0.1', port: sink.port };
}

export function isSession(opened: RelayConnection | SessionFailure): opened is RelayConnection {
  return 'send' in opened;
}

/** Opens a session or throws what kept it from being opened. */
export async function openTo(
  relay: Relay,
  sink: SmtpSink,
  options: Partial<RelayOptions> = {},
): Promise<RelayConnection> {
  const opened = await relay.connect(hostOf(sink), { ...OPTIONS, ...options });
  if (!isSession(opened)) throw new Error(`${opened.stage}: ${opened.reason}`);
  return opened;
}

export function contentOf(octets: string | Uint8Array | readonly Uint8Array[]): Content {
  const whole = typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets;
  const sizeOctets = Array.isArray(whole)
    ? (whole as readonly Uint8Array[]).reduce((sum, chunk) => sum + chunk.length, 0)
    : (whole as Uint8Array).length;
  return { sizeOctets, octets: whole };
}

/** The same content as a stream that can be opened once and overwrites each piece when the next is asked for. */
export function streamOf(chunks: readonly Uint8Array[], sizeOctets?: number): Content {
  let isOpen = false;
  return {
    sizeOctets: sizeOctets ?? contentOf(chunks).sizeOctets,
    octets: async () => {
      if (isOpen) throw new Error('opened twice');
      isOpen = true;
      return (async function* () {
        for (const [i, chunk] of chunks.entries()) {
          // In bursts, so that it is ahead of the host now and then.
          if (i % 256 === 0) await new Promise(setImmediate);
          const lent = Buffer.from(chunk);
          yield lent;
          lent.fill('overwritten ');
        }
      })();
    },
  };
}

export const CONTENT = 'Subject: test\r\n\r\nHello.\r\n';

/** A transaction to these recipients; RIDs begin at 10, so that they cannot be taken for places in a list. */
export function transactionTo(
  recipients: readonly (string | Partial<TransactionRecipient>)[],
  changes: Partial<Transaction> = {},
): Transaction {
  return {
    reversePath: 'from@sender.test' as ReversePath,
    recipients: recipients.map((recipient, i) => ({
      recipient: 10 + i,
      ...(typeof recipient === 'string'
        ? { forwardPath: recipient as Address }
        : { forwardPath: `r${i}@rcpt.test` as Address, ...recipient }),
    })),
    eightBit: false,
    smtpUtf8: false,
    content: contentOf(CONTENT),
    ...changes,
  };
}

/** Results on one line each: `10 refused rcpt recipient 550`. */
export function summary(results: readonly RecipientResult[]): readonly string[] {
  return results.map((result) => {
    const words: (string | number)[] = [result.recipient, result.kind];
    if ('stage' in result) words.push(result.stage);
    if ('appliesTo' in result) words.push(result.appliesTo);
    if ('reply' in result && result.reply !== undefined) words.push(result.reply.code);
    return words.join(' ');
  });
}
