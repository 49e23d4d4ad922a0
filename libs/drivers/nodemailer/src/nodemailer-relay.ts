import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import {
  demandsTls,
  type Host,
  type Relay,
  type RelayConnection,
  type RelayOptions,
  type SessionFailure,
  type SessionTls,
  type Stage,
} from '@mailyard/delivery-rules';
import { isPositive } from '@mailyard/mail';
import {
  chooseMechanisms,
  describeTls,
  handshakeOptions,
  type Mechanism,
  parseCapabilities,
  refusalOf,
  serverName,
  TlsContext,
  type TlsFiles,
} from '@mailyard/smtp-client';
import type { NodemailerError } from 'nodemailer/lib/errors';
import SMTPConnection, { type SMTPConnectionCustomAuthContext } from 'nodemailer/lib/smtp-connection';
import { NodemailerConnection, type NodemailerSession } from './nodemailer-connection.ts';
import { parseReply } from './replies.ts';
import { type NodemailerTimeouts, TIMEOUTS } from './timeouts.ts';

export interface NodemailerRelayOptions {
  /** What DCIDs begin with: unique to this life of this process. */
  readonly incarnation: string;
  /** Changes to the timeouts, in milliseconds. */
  readonly timeouts?: Partial<NodemailerTimeouts>;
  readonly tlsFiles?: TlsFiles;
  /** Told when the files have changed and cannot be used. */
  readonly onTlsFilesBroken?: (problem: string) => void;
}

type Failure = SessionFailure & { readonly mayRetryInClear?: boolean };

/**
 * Nodemailer's SMTPConnection behind the port, kept to compare with and to fall back to
 * (docs/decisions/0006-own-smtp-client.md). What it cannot do by itself is done here: per-recipient results, the proof
 * before the dot, SCRAM, deadlines, refusals that the host's EHLO reply calls for.
 *
 * What it still cannot do: SMTPUTF8 for the header's sake where all addresses are US-ASCII (refused with 5.6.7), `<` and
 * `>` in quoted local parts (refused), DSN parameters that differ between recipients in one transaction (several are
 * made, and streamed content is read into memory for that), what a host says right before it closes (may be lost: then
 * the result is a failure, or unknown after the dot).
 */
export class NodemailerRelay implements Relay {
  readonly #incarnation: string;
  readonly #timeouts: NodemailerTimeouts;
  readonly #tlsContext: TlsContext;
  #opened = 0;

  constructor({ incarnation, timeouts, tlsFiles = {}, onTlsFilesBroken = () => {} }: NodemailerRelayOptions) {
    this.#tlsContext = new TlsContext(tlsFiles, onTlsFilesBroken);
    this.#incarnation = incarnation;
    this.#timeouts = { ...TIMEOUTS, ...timeouts };
  }

  async connect(host: Host, options: RelayOptions): Promise<RelayConnection | SessionFailure> {
    let opened = await this.#open(host, options);
    if ('reason' in opened && opened.mayRetryInClear === true)
      opened = await this.#open(host, { ...options, tls: 'none' });
    if ('reason' in opened) {
      const { mayRetryInClear: _mayRetryInClear, ...failure } = opened;
      return failure;
    }
    this.#opened++;
    return new NodemailerConnection(`${this.#incarnation}-${this.#opened}`, host, opened, this.#timeouts);
  }

  async #open(host: Host, options: RelayOptions): Promise<NodemailerSession | Failure> {
    const socket = await this.#dial(host, options.localAddress);
    if (typeof socket === 'string')
      // What Node says where the local address cannot be had.
      return { stage: 'connect', reason: socket, ...(socket.startsWith('bind ') ? { isOurs: true } : {}) };
    const servername = serverName(host, options);
    const connection = new SMTPConnection({
      connection: socket,
      host: host.address,
      port: host.port,
      secure: false,
      name: options.heloName,
      ...(servername === undefined ? {} : { servername }),
      ignoreTLS: options.tls === 'none',
      opportunisticTLS: options.tls !== 'none' && !demandsTls(options.tls),
      requireTLS: demandsTls(options.tls),
      tls: handshakeOptions(host, options, this.#tlsContext),
      greetingTimeout: this.#timeouts.opening,
      socketTimeout: this.#timeouts.silence,
      maxResponseSize: 65_536,
    });
    const tls: { session?: SessionTls } = {};
    const failure =
      (await this.#greet(connection, options)) ??
      judge(connection, host, options, tls) ??
      (await authenticate(connection, options, this.#timeouts.opening));
    if (failure === undefined) return { connection, ehloLines: ehloLines(connection), tls: tls.session };
    connection.close();
    return failure;
  }

  #dial(host: Host, localAddress: string | undefined): Promise<Socket | string> {
    return new Promise((resolve) => {
      const socket = connect({
        host: host.address,
        port: host.port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      const timer = setTimeout(() => {
        socket.destroy();
        resolve('connection timed out');
      }, this.#timeouts.connect);
      socket.once('error', (error) => {
        clearTimeout(timer);
        resolve(error.message);
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  #greet(connection: SMTPConnection, options: RelayOptions): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => fail(new Error('timed out')), this.#timeouts.opening);
      const fail = (error: NodemailerError): void => {
        clearTimeout(timer);
        const stage = stageOf(connection, error);
        const reply = parseReply(error.response);
        const mayRetryInClear = stage === 'starttls' && !demandsTls(options.tls) && reply === undefined;
        const reason = reply === undefined ? error.message : isPositive(reply) ? 'unexpected reply' : 'refused';
        resolve({ stage, reason, mayRetryInClear, ...(reply === undefined ? {} : { reply }) });
      };
      // Errors after the opening are told to the transaction; nodemailer throws those that nobody listens to.
      connection.on('error', fail);
      connection.connect((error) => {
        clearTimeout(timer);
        if (error) fail(error);
        else resolve(undefined);
      });
    });
  }
}

/** Judges what protects the session, which nodemailer keeps to itself: after its second EHLO, before any mail. */
function judge(
  connection: SMTPConnection,
  host: Host,
  options: RelayOptions,
  found: { session?: SessionTls },
): Failure | undefined {
  const { _socket: socket } = connection as unknown as { readonly _socket?: unknown };
  if (!(socket instanceof TLSSocket)) return undefined;
  found.session = describeTls(socket, host, options);
  const refusal = refusalOf(found.session, options);
  return refusal === undefined ? undefined : { stage: 'starttls', ...refusal };
}

/** What EHLO answered, the host's name left out; nodemailer keeps it to itself, but mechanisms and limits stand there. */
function ehloLines(connection: SMTPConnection): readonly string[] {
  const { _ehloLines: lines } = connection as unknown as { readonly _ehloLines?: readonly string[] };
  return ['', ...(lines ?? [])];
}

function stageOf({ lastServerResponse: last }: SMTPConnection, error: NodemailerError): Stage {
  const { code, command, originalCode } = error;
  const isTls = code === 'ETLS' || command === 'STARTTLS' || originalCode?.startsWith('ERR_SSL') === true;
  if (isTls) return 'starttls';
  if (command === 'EHLO' || command === 'HELO') return 'ehlo';
  if (last === false || error.message.startsWith('Invalid greeting')) return 'greeting';
  // The reply to EHLO was seen and the session is not open: STARTTLS was not answered.
  return last.startsWith('250') ? 'starttls' : 'ehlo';
}

async function authenticate(
  connection: SMTPConnection,
  { credentials }: RelayOptions,
  timeoutMs: number,
): Promise<Failure | undefined> {
  if (credentials === undefined) return undefined;
  const { mechanisms: offered } = parseCapabilities(ehloLines(connection));
  const clear = connection.secure || credentials.allowClear;
  const [mechanism] = chooseMechanisms(offered, credentials, clear, randomBytes(18).toString('base64'));
  if (mechanism === undefined) return { stage: 'auth', reason: 'no AUTH mechanism that may be used is offered' };
  connection.customAuth.set(mechanism.name, (context) => exchange(mechanism, context));
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ stage: 'auth', reason: 'timed out' }), timeoutMs);
    connection.once('end', () => resolve({ stage: 'auth', reason: 'connection closed' }));
    const auth = { method: mechanism.name, user: credentials.username, pass: credentials.password };
    connection.login(auth, (error) => {
      clearTimeout(timer);
      const reply = parseReply(error?.response);
      if (error === null) resolve(undefined);
      else resolve({ stage: 'auth', reason: error.message, ...(reply === undefined ? {} : { reply }) });
    });
  });
}

async function exchange(mechanism: Mechanism, context: SMTPConnectionCustomAuthContext): Promise<void> {
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  const initial = mechanism.initial === undefined ? '' : ` ${encode(mechanism.initial)}`;
  let answer = await context.sendCommand(`AUTH ${mechanism.name}${initial}`);
  for (let turn = 0; answer.status === 334 && turn < 5; turn++) {
    const challenge = Buffer.from(answer.text.trim(), 'base64').toString('utf8');
    answer = await context.sendCommand(encode(await mechanism.respond(challenge)));
  }
  if (answer.status !== 235 || !mechanism.isVerified) throw new Error('refused');
}
