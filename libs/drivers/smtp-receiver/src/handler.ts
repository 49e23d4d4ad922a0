import type { TLSSocket } from 'node:tls';
import type { ScramKeys } from '@mailyard/credentials';
import type { MailParameters, Mailbox, RcptParameters, Reply } from '@mailyard/mail';
import type { Evidence, MechanismName } from './sasl.ts';

/** What a listener knows of one injection connection. */
export interface InjectionSession {
  readonly icid: string;
  readonly clientAddress: string;
  /** What EHLO or HELO said; '' before either. */
  readonly helo: string;
  readonly extended: boolean;
  readonly tls: TLSSocket | undefined;
  /** Who has authenticated in this session. */
  readonly user: string | undefined;
  /** Whether the connection is no more: nobody will hear an answer. */
  readonly gone: boolean;
  /** The handler's own: the receiver never looks at it. */
  state: unknown;
}

/** What is said to a client that may go on, and what holds for its session beside the listener's options. */
export interface Greeting extends Reply {
  /** In the greeting instead of the listener's name; '' = none. */
  readonly hostname?: string;
  /** Lower than the listener's own; a higher one changes nothing. */
  readonly maxMessageOctets?: number;
  readonly maxRecipients?: number;
  /** STARTTLS is not offered. */
  readonly withoutTls?: boolean;
}

export interface MailCommand {
  readonly reversePath: Mailbox | null;
  readonly parameters: MailParameters;
}

export interface RcptCommand {
  readonly forwardPath: Mailbox;
  readonly parameters: RcptParameters;
}

type Answer<T> = T | Promise<T>;

/**
 * Where the content of one message goes, piece by piece, stuffed dots already taken out. A promise that `write` returns
 * stops the reading of the socket until it settles. Exactly one of `end` and `abort` is called, and it comes last.
 */
export interface ContentSink {
  /** @param piece lent until this returns: what is to be kept of it must be copied before */
  write(piece: Buffer): void | Promise<void>;
  /** The content is whole; the reply is what the client reads. */
  end(): Answer<Reply>;
  /** The client went away, or the content was refused: nothing of it may be kept. */
  abort(): void;
}

/** One mail transaction, from MAIL to the reply to its content. */
export interface MailTransaction {
  /** A positive reply takes the recipient. */
  rcpt(command: RcptCommand): Answer<Reply>;
  /** Called once at least one recipient was taken; a reply refuses DATA. */
  content(): Answer<ContentSink | Reply>;
  /** RSET, a new EHLO, or the end of the connection before the content. */
  reset(): void;
}

/** The decisions behind an SMTP listener. All may answer at once or later; at once costs less. */
export interface InjectionHandler {
  /** A reply other than 220 refuses the connection; `reset` ends it without a word. */
  connect(session: InjectionSession): Answer<Greeting | 'reset'>;
  /** A transaction takes the reverse-path; a reply refuses it. */
  mail(session: InjectionSession, command: MailCommand): Answer<MailTransaction | Reply>;
  closed(session: InjectionSession): void;
  secured?(session: InjectionSession): void;
  /** The keys of a name; keys that look the same where nobody has it. A reply refuses the exchange. */
  scramKeys?(session: InjectionSession, name: string): Answer<ScramKeys | Reply>;
  /** 235 where the evidence is good; any other reply refuses it, and should come late where somebody guesses. */
  judge?(session: InjectionSession, evidence: Evidence): Answer<Reply>;
  /** The client has authenticated as `session.user`. */
  authenticated?(session: InjectionSession, mechanism: MechanismName): void;
  /** A connection was turned away before it became a session: too many, or the listener is stopping. */
  refused?(clientAddress: string, reply: Reply): void;
}

export interface ReceiverOptions {
  /** The name in greeting and EHLO reply. */
  readonly hostname: string;
  /** Largest content in octets, announced by SIZE (RFC 1870). */
  readonly maxMessageOctets: number;
  /** Recipients a transaction; 452 4.5.3 beyond (RFC 5321 §4.5.3.1.8). */
  readonly maxRecipients: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** Refused commands after which the connection is closed with 421. */
  readonly maxErrors: number;
  /** Longest wait for a command (RFC 5321 §4.5.3.2.7). */
  readonly commandTimeoutMs: number;
  /** Longest wait for the next octets of content. */
  readonly contentTimeoutMs: number;
  /** Certificate and key in PEM: STARTTLS is offered or, where TLS is implicit, begun before the greeting (RFC 8314 §3.3). */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly isImplicit?: boolean };
  /** AUTH is offered: under TLS alone, unless said otherwise; where it is required, no mail is taken without it. */
  readonly authentication?: { readonly isRequired: boolean; readonly isAllowedInClear: boolean };
  /** Makes the ICID of a connection. */
  readonly nextIcid: () => string;
}
