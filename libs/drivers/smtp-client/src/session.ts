import { randomBytes } from 'node:crypto';
import { isPermanent, isPositive } from '@mailyard/mail';
import {
  demandsTls,
  type Host,
  type RelayOptions,
  type SessionFailure,
  type SessionTls,
  type Stage,
} from '@mailyard/delivery-rules';
import { chooseMechanisms, type Mechanism } from './authentication.ts';
import { type Capabilities, NO_CAPABILITIES, parseCapabilities } from './capabilities.ts';
import type { Timeouts } from './options.ts';
import type { ParsedReply } from './reply-parser.ts';
import type { TlsContext } from './tls-context.ts';
import { describeTls, handshakeOptions, refusalOf } from './tls-session.ts';
import type { Wire } from './wire.ts';

/** An open session: the wire and what the host at its other end offers. */
export interface Session {
  readonly wire: Wire;
  readonly offered: Capabilities;
  readonly tls?: SessionTls;
}

/** What a session is opened with, besides what the caller wants of it. */
export interface SessionTools {
  readonly timeouts: Timeouts;
  readonly tlsContext: TlsContext;
}

/** A failure to secure a session; where TLS is only preferred, another one in the clear may follow. */
export interface OpeningFailure extends SessionFailure {
  readonly mayRetryInClear?: boolean;
}

/**
 * Brings a new connection to where MAIL can be sent: greeting, EHLO or HELO, STARTTLS, AUTH. Whatever fails ends the
 * wire and tells the stage; nothing is ever sent less protected or less authenticated than the options ask for.
 */
export async function openSession(
  wire: Wire,
  host: Host,
  options: RelayOptions,
  tools: SessionTools,
): Promise<Session | OpeningFailure> {
  const opening = new Opening(wire, host, options, tools);
  const failure = await opening.run();
  if (failure === undefined)
    return { wire, offered: opening.offered, ...(opening.tls === undefined ? {} : { tls: opening.tls }) };
  if (wire.ended === undefined) {
    wire.write('QUIT\r\n');
    wire.close();
  }
  return failure;
}

class Opening {
  offered: Capabilities = NO_CAPABILITIES;
  tls: SessionTls | undefined;
  readonly #wire: Wire;
  readonly #host: Host;
  readonly #options: RelayOptions;
  readonly #timeouts: Timeouts;
  readonly #tlsContext: TlsContext;

  constructor(wire: Wire, host: Host, options: RelayOptions, { timeouts, tlsContext }: SessionTools) {
    this.#wire = wire;
    this.#host = host;
    this.#options = options;
    this.#timeouts = timeouts;
    this.#tlsContext = tlsContext;
  }

  async run(): Promise<OpeningFailure | undefined> {
    const greeting = await this.#wire.reply(this.#timeouts.greeting);
    if (greeting?.reply.code !== 220) return this.#failed('greeting', greeting);
    return (await this.#greet()) ?? (await this.#startTls()) ?? (await this.#authenticate());
  }

  async #greet(): Promise<OpeningFailure | undefined> {
    const ehlo = await this.#ask(`EHLO ${this.#options.heloName}`, this.#timeouts.ehlo);
    if (ehlo?.reply.code === 250) {
      this.offered = parseCapabilities(ehlo.lines);
      return undefined;
    }
    if (ehlo === undefined || !isPermanent(ehlo.reply)) return this.#failed('ehlo', ehlo);
    const helo = await this.#ask(`HELO ${this.#options.heloName}`, this.#timeouts.ehlo);
    if (helo?.reply.code !== 250) return this.#failed('ehlo', helo);
    this.offered = NO_CAPABILITIES;
    return undefined;
  }

  async #startTls(): Promise<OpeningFailure | undefined> {
    const { tls } = this.#options;
    if (tls === 'none') return undefined;
    const isDemanded = demandsTls(tls);
    if (!this.offered.startTls) {
      if (!isDemanded) return undefined;
      const failure = this.#failed('starttls', undefined, 'the host does not offer STARTTLS');
      return { ...failure, tlsResult: 'starttls-not-supported' };
    }
    const answer = await this.#ask('STARTTLS', this.#timeouts.startTls);
    if (answer === undefined) return this.#failed('starttls', answer);
    if (answer.reply.code !== 220) {
      return isDemanded || answer.reply.code === 421 ? this.#failed('starttls', answer) : undefined;
    }
    const socket = await this.#wire.secure(
      handshakeOptions(this.#host, this.#options, this.#tlsContext),
      this.#timeouts.startTls,
    );
    if (socket === undefined) return { ...this.#failed('starttls', undefined), mayRetryInClear: !isDemanded };
    this.tls = describeTls(socket, this.#host, this.#options);
    const refusal = refusalOf(this.tls, this.#options);
    if (refusal !== undefined) return { stage: 'starttls', ...refusal };
    // What was said before is void (RFC 3207 §4.2).
    this.offered = NO_CAPABILITIES;
    return this.#greet();
  }

  async #authenticate(): Promise<OpeningFailure | undefined> {
    const { credentials } = this.#options;
    if (credentials === undefined) return undefined;
    const clear = this.#wire.isSecure || credentials.allowClear;
    const nonce = randomBytes(18).toString('base64');
    const mechanisms = chooseMechanisms(this.offered.mechanisms, credentials, clear, nonce);
    let answer: ParsedReply | undefined;
    for (const mechanism of mechanisms) {
      const result = await this.#exchange(mechanism);
      if (typeof result === 'string') return this.#failed('auth', undefined, result);
      if (result?.reply.code === 235) {
        return mechanism.isVerified ? undefined : this.#failed('auth', undefined, 'the host did not prove itself');
      }
      answer = result;
      // Only a mechanism that is not known after all is worth another; a wrong password stays wrong.
      if (answer?.reply.code !== 504) break;
    }
    const none = `no AUTH mechanism that may be used is offered (${this.offered.mechanisms.join(' ') || 'none'})`;
    return mechanisms.length === 0 ? this.#failed('auth', undefined, none) : this.#failed('auth', answer);
  }

  /** One SASL exchange: the reply that ended it, nothing when the connection did, or what was wrong with a challenge. */
  async #exchange(mechanism: Mechanism): Promise<ParsedReply | string | undefined> {
    const initial = mechanism.initial === undefined ? '' : ` ${encode(mechanism.initial)}`;
    let answer = await this.#ask(`AUTH ${mechanism.name}${initial}`, this.#timeouts.auth);
    for (let turn = 0; answer?.reply.code === 334; turn++) {
      if (turn === 5) return 'endless authentication';
      let response: string;
      try {
        response = await mechanism.respond(Buffer.from(answer.lines.join(''), 'base64').toString('utf8'));
      } catch (error) {
        return `${mechanism.name}: ${(error as Error).message}`;
      }
      answer = await this.#ask(encode(response), this.#timeouts.auth);
    }
    return answer;
  }

  #ask(command: string, timeoutMs: number): Promise<ParsedReply | undefined> | ParsedReply {
    this.#wire.write(`${command}\r\n`);
    return this.#wire.reply(timeoutMs);
  }

  #failed(stage: Stage, answer: ParsedReply | undefined, reason?: string): OpeningFailure {
    const because = reason ?? this.#wire.ended ?? 'unexpected reply';
    if (answer === undefined) return { stage, reason: because };
    const { reply } = answer;
    return { stage, reply, reason: isPositive(reply) ? 'unexpected reply' : 'refused' };
  }
}

function encode(response: string): string {
  return Buffer.from(response, 'utf8').toString('base64');
}
