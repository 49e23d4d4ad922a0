/**
 * The order of an SMTP dialog, as a state machine without a socket or a clock: a command line goes in, what is to be done
 * comes out. Whoever runs it asks the handler where it says so, and tells it what became of that.
 *
 *     greeted ──EHLO──► ready ──MAIL──► transaction ──RCPT──► (with recipients) ──DATA, BDAT LAST──► ready
 *                         ▲                                            │
 *                         └────────── RSET, EHLO, end of content ──────┘        STARTTLS leads back to greeted
 *
 * AUTH stands beside it: what follows the command is the client's response, not a command, until the exchange has ended.
 *
 * @see RFC 5321 §4.1.4, RFC 3030, RFC 3207, RFC 4954
 */
import type { ScramKeys } from '@mailyard/credentials';
import { type Reply, readMailParameters, readPath, readRcptParameters } from '@mailyard/mail';
import { readCommand } from './command.ts';
import type { Greeting, MailCommand, RcptCommand, ReceiverOptions } from './handler.ts';
import { REPLIES } from './replies.ts';
import { beginExchange, type Evidence, type Exchange, MECHANISMS, type MechanismName, type SaslStep } from './sasl.ts';

/** What a command line calls for. */
export type Step =
  | { readonly kind: 'say'; readonly reply: Reply }
  /** Say these, then close. */
  | { readonly kind: 'end'; readonly replies: readonly Reply[] }
  /** Ask the handler; then {@link Dialog.mailTaken} or {@link Dialog.refuse}. */
  | { readonly kind: 'mail'; readonly command: MailCommand }
  /** Ask the handler; then {@link Dialog.rcptTaken} or {@link Dialog.refuse}. */
  | { readonly kind: 'rcpt'; readonly command: RcptCommand }
  /** Ask the handler for a place for content; then say 354 and read up to the dot. */
  | { readonly kind: 'data' }
  /** Read this many octets of content, `first` of the transaction or not; where there is a refusal, forget them. */
  | {
      readonly kind: 'chunk';
      readonly octets: number;
      readonly last: boolean;
      readonly first: boolean;
      readonly refusal: Reply | undefined;
    }
  /** The transaction, if any, is over; say this. */
  | { readonly kind: 'reset'; readonly reply: Reply }
  /** Say 220, then begin TLS; then {@link Dialog.secured}. */
  | { readonly kind: 'tls' }
  /** Ask the handler; then {@link Dialog.keysFound} or {@link Dialog.authenticationRefused}. */
  | { readonly kind: 'keys'; readonly name: string }
  /** Ask the handler; then {@link Dialog.authenticationAccepted} or {@link Dialog.authenticationRefused}. */
  | { readonly kind: 'judge'; readonly evidence: Evidence }
  /** The client is {@link Dialog.user} from now on; say this. */
  | { readonly kind: 'authenticated'; readonly mechanism: MechanismName; readonly reply: Reply };

export interface DialogRules {
  readonly hostname: string;
  readonly maxMessageOctets: number;
  readonly maxRecipients: number;
  readonly maxErrors: number;
  readonly offersTls: boolean;
  readonly authentication: ReceiverOptions['authentication'];
  /** Makes what a server adds to an exchange so that none can be played again. */
  readonly nonce: () => string;
}

/** An exchange of AUTH that goes on. */
interface Authentication {
  readonly mechanism: MechanismName;
  readonly exchange: Exchange;
  /** Whose evidence was judged. */
  name: string;
}

/** Commands without effect that a client may send for each transaction before each counts as an error. */
const IDLE_LIMIT = 100;
/** Refused attempts after which a session ends. */
const MOST_ATTEMPTS = 3;
/** Characters of a response, in base64; a password has far fewer. */
const RESPONSE_LIMIT = 2048;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export class Dialog {
  helo = '';
  extended = false;
  secure = false;
  /** Who has authenticated. */
  user: string | undefined;
  #rules: DialogRules;
  #state: 'ready' | 'transaction' | 'chunks' = 'ready';
  #smtpUtf8 = false;
  #recipients = 0;
  /** The handler has said that the transaction has as many recipients as it may. */
  #isFull = false;
  #errors = 0;
  #idle = 0;
  #authentication: Authentication | undefined;
  #attempts = 0;

  constructor(rules: DialogRules) {
    this.#rules = rules;
  }

  /** Sets bounds of this session; those of the listener stay where they are lower. */
  restrict({ maxMessageOctets = Infinity, maxRecipients = Infinity, withoutTls = false }: Greeting): void {
    const rules = this.#rules;
    this.#rules = {
      ...rules,
      maxMessageOctets: Math.min(rules.maxMessageOctets, maxMessageOctets),
      maxRecipients: Math.min(rules.maxRecipients, maxRecipients),
      offersTls: rules.offersTls && !withoutTls,
    };
  }

  /** Octets that a message may have. */
  get maxMessageOctets(): number {
    return this.#rules.maxMessageOctets;
  }

  /** Whether a transaction is open. */
  get open(): boolean {
    return this.#state !== 'ready';
  }

  /** @param line without its CRLF; blanks at its end are forgiven */
  obey(line: string): Step {
    if (this.#authentication !== undefined) return this.#respond(this.#authentication, line.trimEnd());
    const command = readCommand(line.trimEnd());
    switch (command.verb) {
      case 'MAIL':
        return this.#mail(command.argument);
      case 'RCPT':
        return this.#rcpt(command.argument);
      case 'DATA':
        return this.#data();
      case 'BDAT':
        return this.#chunk(command.octets, command.last);
      case 'EHLO':
      case 'HELO':
        return this.#hello(command.helo, command.verb === 'EHLO');
      case 'RSET':
        this.ended();
        return this.#idly({ kind: 'reset', reply: REPLIES.ok });
      case 'NOOP':
        return this.#idly({ kind: 'say', reply: REPLIES.ok });
      case 'VRFY':
        return this.#idly({ kind: 'say', reply: REPLIES.cannotVerify });
      case 'HELP':
        return this.#idly({ kind: 'say', reply: REPLIES.help });
      case 'STARTTLS':
        return this.#rules.offersTls && !this.secure ? { kind: 'tls' } : this.refuse(REPLIES.notOffered);
      case 'QUIT':
        return { kind: 'end', replies: [REPLIES.bye] };
      case 'AUTH':
        return this.#authenticate(command.argument);
      case 'EXPN':
        return this.refuse(REPLIES.notOffered);
      case 'foreign':
        return { kind: 'end', replies: [REPLIES.foreign] };
      case 'unframed':
        return { kind: 'end', replies: [REPLIES.badChunk] };
      case 'malformed':
        return this.refuse(REPLIES.malformed);
      case 'unknown':
        return this.refuse(REPLIES.unknown);
    }
  }

  /** Counts a refusal: of ours, or of the handler's. A 421 ends the connection, and so does one refusal too many. */
  refuse(reply: Reply): Step {
    this.#errors += 1;
    this.#authentication = undefined;
    if (reply.code === 421) return { kind: 'end', replies: [reply] };
    if (this.#errors < this.#rules.maxErrors) return { kind: 'say', reply };
    return { kind: 'end', replies: [reply, REPLIES.tooManyErrors] };
  }

  mailTaken(command: MailCommand): void {
    this.#state = 'transaction';
    this.#smtpUtf8 = command.parameters.smtpUtf8;
    this.#idle = 0;
  }

  rcptTaken(): void {
    this.#recipients += 1;
  }

  /**
   * Says what the handler refused a RCPT with. That the transaction has enough of them is no fault of the client's: it
   * sends the rest in another one (RFC 5321 §4.5.3.1.10), and until then nobody is asked again.
   */
  rcptRefused(reply: Reply): Step {
    if (reply.enhancedStatus !== REPLIES.tooManyRecipients.enhancedStatus) return this.refuse(reply);
    this.#isFull = true;
    return { kind: 'say', reply };
  }

  /** The transaction is over. */
  ended(): void {
    this.#state = 'ready';
    this.#recipients = 0;
    this.#isFull = false;
  }

  /** TLS is on: all that was said before is forgotten (RFC 3207 §4.2). */
  secured(): void {
    this.ended();
    this.secure = true;
    this.helo = '';
    this.user = undefined;
  }

  keysFound(keys: ScramKeys): Step {
    const { exchange } = this.#authentication!;
    return this.#follow(exchange.keysFound!(keys));
  }

  authenticationAccepted(): Step {
    return this.#follow(this.#authentication!.exchange.accepted());
  }

  /** Counts it: whoever guesses must come again for more. */
  authenticationRefused(reply: Reply): Step {
    this.#attempts += 1;
    const step = this.refuse(reply);
    return this.#attempts < MOST_ATTEMPTS || step.kind === 'end'
      ? step
      : { kind: 'end', replies: [reply, REPLIES.tooManyAuthentications] };
  }

  /** Whether AUTH can be taken now: not in clear, unless the listener says so. */
  get #takesAuthentication(): boolean {
    const { authentication } = this.#rules;
    return authentication !== undefined && (this.secure || authentication.isAllowedInClear);
  }

  #authenticate(argument: string): Step {
    const { offersTls } = this.#rules;
    if (!this.#takesAuthentication)
      return this.refuse(offersTls && !this.secure ? REPLIES.authBeforeTls : REPLIES.notOffered);
    if (!this.extended || this.helo === '') return this.refuse(REPLIES.heloFirst);
    if (this.user !== undefined) return this.refuse(REPLIES.authTwice);
    if (this.#state !== 'ready') return this.refuse(REPLIES.authWithinMail);
    const [word = '', initial, ...rest] = argument.split(' ');
    if (word === '' || rest.length > 0) return this.refuse(REPLIES.malformed);
    const mechanism = MECHANISMS.find((known) => known === word.toUpperCase());
    if (mechanism === undefined) return this.refuse(REPLIES.authUnknown);
    const exchange = beginExchange(mechanism, this.#rules.nonce);
    this.#authentication = { mechanism, exchange, name: '' };
    if (initial === undefined) return challenge(exchange.prompt);
    return this.#respond(this.#authentication, initial === '=' ? '' : initial);
  }

  #respond({ exchange }: Authentication, response: string): Step {
    if (response === '*') return this.refuse(REPLIES.authCancelled);
    if (response.length > RESPONSE_LIMIT) return this.refuse(REPLIES.authTooLong);
    if (!BASE64.test(response)) return this.refuse(REPLIES.authMalformed);
    return this.#follow(exchange.respond(Buffer.from(response, 'base64').toString('latin1')));
  }

  #follow(step: SaslStep): Step {
    const authentication = this.#authentication!;
    switch (step.kind) {
      case 'challenge':
        return challenge(step.text);
      case 'keys':
        return step;
      case 'judge':
        authentication.name = step.evidence.name;
        return step;
      case 'malformed':
        return this.refuse(REPLIES.authMalformed);
      case 'done':
        this.#authentication = undefined;
        this.user = authentication.name;
        return { kind: 'authenticated', mechanism: authentication.mechanism, reply: REPLIES.authenticated };
    }
  }

  #hello(helo: string, extended: boolean): Step {
    this.ended();
    this.helo = helo;
    this.extended = extended;
    const { hostname, maxMessageOctets, offersTls } = this.#rules;
    const keywords = ['PIPELINING', `SIZE ${maxMessageOctets}`, '8BITMIME', 'SMTPUTF8', 'CHUNKING', 'DSN'];
    keywords.push('ENHANCEDSTATUSCODES');
    if (offersTls && !this.secure) keywords.push('STARTTLS');
    if (this.#takesAuthentication) keywords.push(`AUTH ${MECHANISMS.join(' ')}`);
    return this.#idly({
      kind: 'reset',
      reply: { code: 250, text: extended ? [hostname, ...keywords].join('\n') : hostname },
    });
  }

  #mail(argument: string): Step {
    if (this.helo === '') return this.refuse(REPLIES.heloFirst);
    if (this.#state !== 'ready') return this.refuse(REPLIES.nested);
    const { authentication } = this.#rules;
    if (authentication?.isRequired === true && this.user === undefined) return this.refuse(REPLIES.authFirst);
    const path = readPath(argument);
    if (path.kind === 'malformed') return this.refuse(REPLIES.badPath);
    const parameters = readMailParameters(path.rest, { authentication: this.#takesAuthentication });
    if ('code' in parameters) return this.refuse(parameters);
    if (path.mailbox?.needsSmtpUtf8 === true && !parameters.smtpUtf8) return this.refuse(REPLIES.needsSmtpUtf8);
    if ((parameters.sizeOctets ?? 0) > this.#rules.maxMessageOctets) return this.refuse(REPLIES.tooLarge);
    return { kind: 'mail', command: { reversePath: path.mailbox, parameters } };
  }

  #rcpt(argument: string): Step {
    if (this.#state === 'ready') return this.refuse(REPLIES.mailFirst);
    if (this.#state === 'chunks') return this.refuse(REPLIES.contentBegun);
    const path = readPath(argument);
    if (path.kind === 'malformed') return this.refuse(REPLIES.badRecipient);
    if (path.mailbox === null) return this.refuse(REPLIES.nullRecipient);
    const parameters = readRcptParameters(path.rest);
    if ('code' in parameters) return this.refuse(parameters);
    if (path.mailbox.needsSmtpUtf8 && !this.#smtpUtf8) return this.refuse(REPLIES.needsSmtpUtf8);
    if (this.#isFull || this.#recipients >= this.#rules.maxRecipients)
      return this.rcptRefused(REPLIES.tooManyRecipients);
    return { kind: 'rcpt', command: { forwardPath: path.mailbox, parameters } };
  }

  #data(): Step {
    if (this.#state === 'chunks') return this.refuse(REPLIES.mixed);
    const refusal = this.#contentRefusal();
    return refusal === undefined ? { kind: 'data' } : this.refuse(refusal);
  }

  /** The octets follow whatever the answer is, so they are read in any case (RFC 3030 §2). */
  #chunk(octets: number, last: boolean): Step {
    const refusal = this.#contentRefusal();
    const first = this.#state === 'transaction';
    if (refusal === undefined) this.#state = 'chunks';
    return { kind: 'chunk', octets, last, first, refusal };
  }

  #contentRefusal(): Reply | undefined {
    if (this.#state === 'ready') return REPLIES.mailFirst;
    return this.#recipients === 0 ? REPLIES.noRecipients : undefined;
  }

  #idly(step: Step): Step {
    this.#idle += 1;
    return this.#idle > IDLE_LIMIT ? this.refuse(REPLIES.idling) : step;
  }
}

/** A question of the server's; its text goes in base64 (RFC 4954 §4). */
function challenge(text: string): Step {
  return { kind: 'say', reply: { code: 334, text: Buffer.from(text).toString('base64') } };
}
