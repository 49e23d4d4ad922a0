import type { Host, Relay, RelayConnection, RelayOptions, SessionFailure } from '@mailyard/delivery-rules';
import { SmtpConnection } from './connection.ts';
import { Deadlines } from './deadlines.ts';
import { TIMEOUTS, type Timeouts } from './options.ts';
import { type OpeningFailure, openSession, type Session } from './session.ts';
import { TlsContext, type TlsFiles } from './tls-context.ts';
import { Wire } from './wire.ts';

/** How late a deadline may be noticed at most, in milliseconds. */
const SWEEP_MS = 1_000;

export interface SmtpRelayOptions {
  /** What DCIDs begin with: unique to this life of this process, so that `<incarnation>-<n>` is unique for good. */
  readonly incarnation: string;
  /** Changes to the timeouts of RFC 5321 §4.5.3.2, in milliseconds. */
  readonly timeouts?: Partial<Timeouts>;
  readonly tlsFiles?: TlsFiles;
  /** Told when the files have changed and cannot be used. */
  readonly onTlsFilesBroken?: (problem: string) => void;
}

/**
 * The SMTP client: sessions on sockets, made for little CPU a message.
 *
 * Where the host offers PIPELINING, MAIL, all RCPTs and DATA are one write, and content with its dot another. Content
 * goes out octet for octet except for doubled dots and for bare CR and LF, which become CRLF; it is never converted:
 * eight-bit content is refused (5.6.3) for a host without 8BITMIME, as is SMTPUTF8 (5.6.7) without SMTPUTF8. Known
 * weakness: no CHUNKING.
 */
export class SmtpRelay implements Relay {
  readonly #incarnation: string;
  readonly #timeouts: Timeouts;
  readonly #deadlines: Deadlines;
  readonly #tlsContext: TlsContext;
  #opened = 0;

  constructor({ incarnation, timeouts, tlsFiles = {}, onTlsFilesBroken = () => {} }: SmtpRelayOptions) {
    this.#incarnation = incarnation;
    this.#timeouts = { ...TIMEOUTS, ...timeouts };
    this.#tlsContext = new TlsContext(tlsFiles, onTlsFilesBroken);
    this.#deadlines = new Deadlines(Math.min(SWEEP_MS, Math.max(5, Math.min(...Object.values(this.#timeouts)) / 4)));
  }

  async connect(host: Host, options: RelayOptions): Promise<RelayConnection | SessionFailure> {
    let opened = await this.#open(host, options);
    if ('reason' in opened && opened.mayRetryInClear === true) {
      opened = await this.#open(host, { ...options, tls: 'none' });
    }
    if ('reason' in opened) {
      const { mayRetryInClear: _mayRetryInClear, ...failure } = opened;
      return failure;
    }
    this.#opened++;
    return new SmtpConnection(`${this.#incarnation}-${this.#opened}`, host, opened, this.#timeouts);
  }

  async #open(host: Host, options: RelayOptions): Promise<Session | OpeningFailure> {
    const wire = await Wire.open(
      host.address,
      host.port,
      options.localAddress,
      this.#timeouts.connect,
      this.#deadlines,
    );
    if (wire.ended !== undefined)
      // What Node says where the local address cannot be had.
      return { stage: 'connect', reason: wire.ended, ...(wire.ended.startsWith('bind ') ? { isOurs: true } : {}) };
    return openSession(wire, host, options, { timeouts: this.#timeouts, tlsContext: this.#tlsContext });
  }
}
