import type { SelfSignedCertificate } from './certificate.ts';

/** Where a session is when the sink is about to answer; `after` is once the reply to the final dot was written. */
export type SinkStep =
  | 'connect'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'dot'
  | 'after'
  | 'rset'
  | 'quit';

/** What the sink does instead of its usual answer. */
export interface SinkAnswer {
  /** One or more lines, joined by CRLF, without the last CRLF. Absent: the usual reply, or none before an `end`. */
  readonly reply?: string;
  readonly delayMs?: number;
  /** Milliseconds between single octets of the reply. */
  readonly trickleMs?: number;
  /** After the reply: close in order, reset, or say nothing more and keep the connection (reading on). */
  readonly end?: 'close' | 'reset' | 'hang';
}

export interface SinkRecipient {
  /** Without the angle brackets. */
  readonly forwardPath: string;
  readonly parameters: readonly string[];
}

/** What a step is about. `recipients` are those accepted so far in this transaction. */
export interface SinkContext {
  readonly step: SinkStep;
  /** From 1, in order of connection. */
  readonly session: number;
  /** The command line as received, without CRLF; empty for `connect`, `dot` and `after`. */
  readonly line: string;
  readonly helo: string;
  readonly secure: boolean;
  readonly reversePath: string | undefined;
  readonly recipients: readonly SinkRecipient[];
  /** RCPT commands so far in this transaction, refused ones included, this one counted. */
  readonly rcptCount: number;
  /** MAIL commands so far in this session, this one counted. */
  readonly mailCount: number;
  /** The content, from `dot` on. */
  readonly content: Buffer | undefined;
  /** The address and port the client connected from. */
  readonly client: { readonly address: string; readonly port: number };
}

/** A message as it was taken. */
export interface SinkMessage {
  readonly session: number;
  /** The address and port the client connected from. */
  readonly client: { readonly address: string; readonly port: number };
  readonly helo: string;
  readonly secure: boolean;
  /** The name that the client asked for in its TLS handshake. */
  readonly serverName: string | undefined;
  /** The common name of the client's certificate, when it was asked for one and had one. */
  readonly clientName: string | undefined;
  /** The user name, when the client authenticated. */
  readonly username: string | undefined;
  readonly reversePath: string;
  readonly mailParameters: readonly string[];
  readonly recipients: readonly SinkRecipient[];
  /** After removal of stuffed dots, the last CRLF included; empty unless `keep` is `content`. */
  readonly content: Buffer;
  readonly sizeOctets: number;
}

export interface SinkOptions {
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  /** The name in greeting and EHLO reply. */
  readonly name?: string;
  /** EHLO keywords with parameters. Default: PIPELINING, SIZE, 8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES. */
  readonly capabilities?: readonly string[];
  /** Offers STARTTLS; `true` makes a certificate. */
  readonly tls?: boolean | SelfSignedCertificate;
  /** Asks for the client's certificate, and takes any or none. */
  readonly asksForCertificate?: boolean;
  /** Offers AUTH with these mechanisms and takes only this user. */
  readonly authentication?: {
    readonly username: string;
    readonly password: string;
    readonly mechanisms: readonly string[];
  };
  /** RCPTs beyond it are answered 452 4.5.3. */
  readonly recipientLimit?: number;
  /** `content` (default) keeps all messages whole; `envelope` all but the content; `none` only counts. */
  readonly keep?: 'content' | 'envelope' | 'none';
  /** Asked at each step; may wait, so that a test can inject its fault right there. */
  readonly onStep?: (
    context: SinkContext,
  ) => SinkAnswer | string | undefined | Promise<SinkAnswer | string | undefined>;
  /** Told when the connection of a session is gone, however it ended. */
  readonly onClose?: (session: number) => void;
}

export const USUAL_CAPABILITIES: readonly string[] = [
  'PIPELINING',
  'SIZE 104857600',
  '8BITMIME',
  'SMTPUTF8',
  'DSN',
  'ENHANCEDSTATUSCODES',
];
