import type { Address, Domain, Mailbox, Reply, ReversePath } from '@mailyard/mail';
import type { DaneDemand, TlsaAnswer } from './dane.ts';
import type { MtaStsUse } from './mta-sts.ts';
import type { TlsFault } from './tls-result.ts';
import type { TlsUse } from './tls-use.ts';

/** An answer of the DNS; `failure` (SERVFAIL, timeout, refused, a loop) is temporary and never "not found" (R63). */
export type MxAnswer =
  | { readonly kind: 'hosts'; readonly hosts: readonly { readonly exchange: string; readonly preference: number }[] }
  | { readonly kind: 'nullMx' }
  | { readonly kind: 'noSuchDomain' }
  | { readonly kind: 'noData' }
  | { readonly kind: 'failure'; readonly reason: string };

export type AddressAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'noSuchDomain' }
  | { readonly kind: 'noData' }
  | { readonly kind: 'failure'; readonly reason: string };

export type TextAnswer =
  | { readonly kind: 'texts'; readonly texts: readonly string[] }
  | { readonly kind: 'noSuchDomain' }
  | { readonly kind: 'noData' }
  | { readonly kind: 'failure'; readonly reason: string };

/** Contract (testkit): no such domain, no data, failure and null MX are four answers. */
export interface Resolver {
  mx(name: Domain): Promise<MxAnswer>;
  /** IPv4 and IPv6 addresses of a host name, aliases followed. */
  addresses(name: Domain): Promise<AddressAnswer>;
  /** TXT records, the strings of each joined, aliases followed. */
  texts(name: string): Promise<TextAnswer>;
  /** TLSA records of the SMTP service of a host (RFC 7672 §2.2.3). Only what DNSSEC vouches for counts. */
  tlsa(name: Domain, port: number): Promise<TlsaAnswer>;
  /** Whether DNSSEC vouches for what {@link mx} says of a name; a failure is neither. */
  isMxSecure(name: Domain): Promise<boolean | { readonly kind: 'failure'; readonly reason: string }>;
}

/** One address and port to connect to. */
export interface Host {
  /** The name that led to it, or its address. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

/** The step of a delivery that an outcome belongs to. */
export type Stage =
  | 'resolve'
  | 'connect'
  | 'greeting'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'endOfData';

/** Why a session with a host could not be opened or went on no further. */
export interface SessionFailure {
  readonly stage: Stage;
  /** What the host said; absent when it said nothing. */
  readonly reply?: Reply;
  /** In our words, for the operator. */
  readonly reason: string;
  /** What of TLS failed, where that is known. */
  readonly tlsResult?: TlsFault['result'];
  /** It is this machine's: the local address cannot be used. Nothing went to the host. */
  readonly isOurs?: true;
}

/** The content of one copy: octets as they will stand at the next hop before dot-stuffing, ending in CRLF. */
export interface Content {
  readonly sizeOctets: number;
  /** All of it in memory, or a stream that can be opened once and lends each piece until the next is asked for. */
  readonly octets: Uint8Array | readonly Uint8Array[] | (() => Promise<AsyncIterable<Uint8Array>>);
}

export interface TransactionRecipient {
  /** RID */
  readonly recipient: number;
  readonly forwardPath: Address;
  readonly notify?: string;
  readonly orcpt?: string;
}

/** One MAIL, its RCPTs and the content. */
export interface Transaction {
  readonly reversePath: ReversePath;
  readonly recipients: readonly TransactionRecipient[];
  readonly eightBit: boolean;
  readonly smtpUtf8: boolean;
  readonly ret?: 'FULL' | 'HDRS';
  readonly envid?: string;
  readonly content: Content;
  /**
   * Asked right before the final dot, which is then a write of its own (I4): false = reset the connection without it.
   * Absent where no proof is needed (embedded): dot and content may share a write.
   */
  readonly mayEnd?: () => boolean | Promise<boolean>;
}

/**
 * What became of one recipient in a transaction. `accepted`: the host took it. `refused`: `reply` says how, at `stage`;
 * `appliesTo` says whom it concerns. `unknown`: the dot was sent and no answer came (R61). `failed`: nothing can have
 * been taken; the connection ended or the proof was missing. `postponed`: over the host's recipient limit, to be sent
 * in a further transaction on the same connection (R106).
 */
export type RecipientResult = { readonly recipient: number } & (
  | { readonly kind: 'accepted'; readonly reply: Reply }
  | {
      readonly kind: 'refused';
      readonly reply: Reply;
      readonly stage: Stage;
      readonly appliesTo: 'session' | 'message' | 'recipient';
    }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'failed'; readonly stage: Stage; readonly reason: string }
  | { readonly kind: 'postponed'; readonly reply?: Reply }
);

/** What protects a session, and what was made of the host's certificate. */
export interface SessionTls {
  /** As OpenSSL names them: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: 'unjudged' | 'verified' | 'dane' | 'unverified';
  /** What is wrong with an unverified one. */
  readonly fault?: string;
  /** What is wrong with it by a policy of MTA-STS, where one is looked at. */
  readonly policyFault?: TlsFault;
}

/** An open session with a host. One transaction at a time. */
export interface RelayConnection {
  readonly dcid: string;
  readonly host: Host;
  /** Absent where the session is in the clear. */
  readonly tls?: SessionTls | undefined;
  /** False once it cannot take another transaction. */
  readonly usable: boolean;
  /** Settles once every recipient has exactly one result; never rejects. */
  send(transaction: Transaction): Promise<readonly RecipientResult[]>;
  /** QUIT if idle, then close. Harmless to repeat. */
  close(): Promise<void>;
}

export interface RelayOptions {
  /** What EHLO says; from settings only. */
  readonly heloName: string;
  readonly tls: TlsUse;
  /** Names besides the host's own for one of which its certificate may be, where it is judged. */
  readonly certificateNames?: readonly string[];
  /** Judge it by these TLSA records, and send nothing where it does not match. */
  readonly dane?: DaneDemand;
  /**
   * Judge it for the host's own name as MTA-STS asks (RFC 8461 §4.2): with `enforce` nothing is sent where it does not
   * hold, with `testing` that is told.
   */
  readonly mtaSts?: Exclude<MtaStsUse, 'none'>;
  readonly credentials?: { readonly username: string; readonly password: string; readonly allowClear: boolean };
  /** The address to connect from; no other one is ever used instead. */
  readonly localAddress?: string;
}

/**
 * Opens sessions with hosts.
 *
 * Contract (testkit, `relay.suite.ts`): every recipient gets exactly one result; content arrives octet for octet; no
 * octet of a dot goes out unless `mayEnd` allowed it.
 */
export interface Relay {
  connect(host: Host, options: RelayOptions): Promise<RelayConnection | SessionFailure>;
}

/** What a worker found out about a host. */
export interface HostReport {
  readonly state: 'up' | 'down';
  /** Down: not to be tried before, in milliseconds of the epoch. */
  readonly downUntil: number;
  /** Failed connections in a row. */
  readonly failures: number;
}

/**
 * What workers tell each other about hosts, so that a host that is down is probed once and not by each of them (R76).
 * Only ever a hint: with the board away each worker goes by what it finds out itself.
 */
export interface HostBoard {
  publish(host: string, report: HostReport): void;
  /** Calls back with what other workers publish, from now on and, soon after, what they last said of hosts that are down. */
  onReport(listener: (host: string, report: HostReport) => void): void;
  /** Whether this worker may probe a host that is down; one worker may until `forMs` have passed. True when the board is away. */
  claimProbe(host: string, forMs: number): Promise<boolean>;
}

/** Who is sent nothing (R148). */
export interface UnsubscribeList {
  readonly rows: readonly unknown[];
  /** The row that keeps mail from a recipient, and what becomes of that mail; undefined for none. */
  rowFor(recipient: Mailbox): Unsubscribed | undefined;
}

export interface Unsubscribed {
  /** As written. */
  readonly recipient: string;
  readonly action: 'drop' | 'bounce';
}

/** Which delivery rests (R211). */
export interface DeliverySuspension {
  /** @param destination its key; undefined where it is not known */
  isSuspended(domain: string, destination: string | undefined): boolean;
  /** Calls back when that may have changed for some domains, and tells for which. */
  onChange(listener: (concerns: (domain: string, destination: string | undefined) => boolean) => void): void;
}
