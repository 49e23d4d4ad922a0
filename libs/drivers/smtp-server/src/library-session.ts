import { duplexPair, type Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { MtaError, type Reply } from '@mailyard/mail';
import type {
  ContentSink,
  InjectionHandler,
  InjectionSession,
  MailCommand,
  MailTransaction,
  RcptCommand,
} from '@mailyard/smtp-receiver';
import type { SMTPServer } from 'smtp-server';
import { DotStuffer } from './dot-stuffer.ts';

/** What a callback of smtp-server takes for a refusal. */
export interface LibraryRefusal extends Error {
  responseCode: number;
}

/** The domain of the addresses that the library is shown in place of the client's. */
const STAND_IN = 'guard.invalid';

/**
 * One client's session within smtp-server, driven over a pair of streams in place of a socket.
 *
 * The library sees only commands that the guard has read and found right, and stand-ins for the addresses in them, so that
 * it refuses none that it should take. While it works on a command, its callbacks ask here which one that was.
 */
export class LibrarySession {
  readonly #session: InjectionSession;
  readonly #handler: InjectionHandler;
  readonly #wire: Duplex;
  readonly #far: Duplex;
  #input = '';
  #closed = false;
  /** Who waits for the library's next reply. Commands go in one by one. */
  #expecting: { resolve(code: number): void; reject(error: Error): void } | undefined;
  #work: () => Promise<Reply | undefined> = () => Promise.resolve(undefined);
  #sink: ContentSink | undefined;
  /** Settles when the library can take the next MAIL. */
  #ready: Promise<unknown> = Promise.resolve();
  #recipients = 0;

  constructor(session: InjectionSession, handler: InjectionHandler) {
    this.#session = session;
    this.#handler = handler;
    const [near, far] = duplexPair();
    this.#wire = near;
    this.#far = far;
    near.setEncoding('latin1').on('data', (text: string) => this.#read(text));
    near.on('error', ignore).on('close', () => this.#lost());
    far.on('error', ignore);
  }

  /** False once the library has ended the session, or the guard has. */
  get usable(): boolean {
    return !this.#closed;
  }

  /** @param number what the library is to tell its callbacks this session by */
  connect(server: SMTPServer, number: number): void {
    const far = this.#far;
    // The library asks its socket for these and no more.
    const socket = Object.assign(far, {
      remoteAddress: this.#session.clientAddress,
      remotePort: number,
      localAddress: '',
      localPort: 0,
      readyState: 'open',
      setTimeout: () => far,
    });
    server.connect(socket as unknown as Socket);
    // It greets after 100 ms, to catch clients that talk too soon; ours has had its greeting from the guard.
    this.#ready = this.#exchange('').then(() => this.#exchange('EHLO client.invalid\r\n'));
    this.#ready.catch(ignore);
  }

  async mail(command: MailCommand): Promise<MailTransaction | Reply> {
    await this.#ready;
    let transaction: MailTransaction | Reply | undefined;
    const reply = await this.#ask(`MAIL FROM:<sender@${STAND_IN}>`, async () => {
      transaction = await this.#handler.mail(this.#session, command);
      return 'code' in transaction ? transaction : undefined;
    });
    if (reply !== undefined || transaction === undefined || 'code' in transaction) return reply ?? AWAY;
    const real = transaction;
    return {
      rcpt: (rcpt) => this.#rcpt(real, rcpt),
      content: () => this.#content(real),
      reset: () => {
        real.reset();
        if (this.#closed || this.#session.gone) return;
        this.#ready = this.#ready.then(() => this.#exchange('RSET\r\n'));
        this.#ready.catch(ignore);
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#wire.destroy();
  }

  // ---- called by the library, by way of its callbacks

  /** Does what the command under way stands for. @returns the refusal, as the library wants it */
  async perform(): Promise<LibraryRefusal | null> {
    const reply = await this.#work();
    return reply === undefined || reply.code < 400 ? null : refusalOf(reply);
  }

  /** Reads the content that the library has unstuffed into the sink. */
  async receive(content: AsyncIterable<Buffer>): Promise<LibraryRefusal | null> {
    for await (const piece of content) {
      // What was given up must not be written any more.
      if (this.#closed) return null;
      await this.#sink!.write(piece);
    }
    return this.perform();
  }

  // ----

  async #rcpt(transaction: MailTransaction, command: RcptCommand): Promise<Reply> {
    let answer: Reply = AWAY;
    // Each has a stand-in of its own: the library would take the same address twice for one.
    const refused = await this.#ask(`RCPT TO:<r${++this.#recipients}@${STAND_IN}>`, async () => {
      answer = await transaction.rcpt(command);
      return answer.code >= 400 ? answer : undefined;
    });
    return refused ?? answer;
  }

  async #content(transaction: MailTransaction): Promise<ContentSink | Reply> {
    const sink = await transaction.content();
    if ('code' in sink) return sink;
    this.#sink = sink;
    const code = await this.#exchange('DATA\r\n');
    if (code !== 354) {
      sink.abort();
      return AWAY;
    }
    const stuffer = new DotStuffer();
    return {
      // The piece is only lent, and the library reads it later.
      write: (piece) => this.#send(stuffer.stuff(Buffer.from(piece))),
      end: async () => {
        let answer: Reply = AWAY;
        this.#work = async () => {
          answer = await sink.end();
          return answer;
        };
        await this.#exchange(stuffer.end());
        return answer;
      },
      // The library has no word for giving up in the middle of content but the end of the connection.
      abort: () => {
        sink.abort();
        this.close();
      },
    };
  }

  /** Sends a command; `work` is done when the library calls back. @returns the refusal: of the work, or the library's */
  async #ask(command: string, work: () => Promise<Reply | undefined>): Promise<Reply | undefined> {
    let refusal: Reply | undefined;
    this.#work = async () => {
      refusal = await work();
      return refusal;
    };
    const code = await this.#exchange(`${command}\r\n`);
    return code < 400 ? undefined : (refusal ?? AWAY);
  }

  /** Sends something and waits for the reply to it. @returns its code */
  #exchange(text: string): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(lost());
      this.#expecting = { resolve, reject };
      if (text !== '') this.#wire.write(text, 'latin1');
      return undefined;
    });
  }

  #send(octets: Buffer): Promise<void> | undefined {
    if (this.#closed) throw lost();
    if (this.#wire.write(octets)) return undefined;
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wire.off('drain', done).off('close', done);
        resolve();
      };
      this.#wire.on('drain', done).on('close', done);
    });
  }

  #read(text: string): void {
    this.#input += text;
    const last = /^(\d{3})(?: .*)?\r\n/m.exec(this.#input);
    if (last === null) return;
    this.#input = this.#input.slice(last.index + last[0].length);
    const expecting = this.#expecting;
    this.#expecting = undefined;
    expecting?.resolve(Number(last[1]));
  }

  #lost(): void {
    this.#closed = true;
    this.#expecting?.reject(lost());
    this.#expecting = undefined;
  }
}

const AWAY: Reply = { code: 451, enhancedStatus: '4.3.0', text: 'Local error, try again' };

function ignore(): void {
  // The end of the session, which follows, says all that matters.
}

function lost(): MtaError {
  return new MtaError('SMTP_SERVER_LOST', 'smtp-server ended the session');
}

function refusalOf({ code, text }: Reply): LibraryRefusal {
  return Object.assign(new Error(text), { responseCode: code });
}
