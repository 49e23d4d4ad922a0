import { randomBytes } from 'node:crypto';
import { connect, isIP, type Socket } from 'node:net';
import type { Host, Relay, RelayConnection, RelayOptions, SessionFailure, Stage } from '@mailyard/delivery-rules';
import { isPositive } from '@mailyard/mail';
import { chooseMechanisms, type Mechanism, parseCapabilities } from '@mailyard/smtp-client';
import type { NodemailerError } from 'nodemailer/lib/errors';
import SMTPConnection, { type SMTPConnectionCustomAuthContext } from 'nodemailer/lib/smtp-connection';
import { NodemailerConnection } from './nodemailer-connection.ts';
import { parseReply } from './replies.ts';

export interface NodemailerTimeouts {
  readonly connect: number;
  /** From the connection to a session that takes mail. */
  readonly opening: number;
  /** Between two octets from the host. */
  readonly silence: number;
  /** A whole transaction. */
  readonly transaction: number;
  readonly quit: number;
}

export interface NodemailerRelayOptions {
  /** What DCIDs begin with: unique to this life of this process. */
  readonly incarnation: string;
  /** Changes to the timeouts, in milliseconds. */
  readonly timeouts?: Partial<NodemailerTimeouts>;
}

const TIMEOUTS: NodemailerTimeouts = {
  connect: 30_000,
  opening: 600_000,
  silence: 600_000,
  transaction: 3_600_000,
  quit: 5_000,
};

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
  #opened = 0;

  constructor({ incarnation, timeouts }: NodemailerRelayOptions) {
    this.#incarnation = incarnation;
    this.#timeouts = { ...TIMEOUTS, ...timeouts };
  }

  async connect(host: Host, options: RelayOptions): Promise<RelayConnection | SessionFailure> {
    let opened = await this.#open(host, options);
    if (!(opened instanceof SMTPConnection) && opened.mayRetryInClear === true) {
      opened = await this.#open(host, { ...options, tls: 'none' });
    }
    if (!(opened instanceof SMTPConnection)) {
      const { mayRetryInClear: _mayRetryInClear, ...failure } = opened;
      return failure;
    }
    this.#opened++;
    return new NodemailerConnection(
      `${this.#incarnation}-${this.#opened}`,
      host,
      opened,
      ehloLines(opened),
      this.#timeouts,
    );
  }

  async #open(host: Host, options: RelayOptions): Promise<SMTPConnection | Failure> {
    const socket = await this.#dial(host, options.localAddress);
    if (typeof socket === 'string') return { stage: 'connect', reason: socket };
    const connection = new SMTPConnection({
      connection: socket,
      host: host.address,
      port: host.port,
      secure: false,
      name: options.heloName,
      ...(isIP(host.name) === 0 ? { servername: host.name } : {}),
      ignoreTLS: options.tls === 'none',
      opportunisticTLS: options.tls === 'preferred',
      requireTLS: options.tls === 'required',
      tls: { rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      greetingTimeout: this.#timeouts.opening,
      socketTimeout: this.#timeouts.silence,
      maxResponseSize: 65_536,
    });
    const failure = await this.#greet(connection, options);
    const failed = failure ?? (await authenticate(connection, options, this.#timeouts.opening));
    if (failed === undefined) return connection;
    connection.close();
    return failed;
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
        const mayRetryInClear = stage === 'starttls' && options.tls === 'preferred' && reply === undefined;
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
