/**
 * One injection connection: frames commands and content, keeps the order of the dialog, asks the handler.
 *
 * Replies to all that came in one chunk leave in one write. While the handler is asked nothing more is read, so memory
 * is bounded by one chunk, and a client that does not read its replies is not read from either.
 */
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { decodeUtf8, hasNonAscii, type Reply, readMailParameters, readPath, readRcptParameters } from '@mailyard/mail';
import { type Command, readCommand } from './command.ts';
import { ContentFramer } from './content-framer.ts';
import type { ContentSink, InjectionHandler, InjectionSession, MailTransaction, ReceiverOptions } from './handler.ts';
import { REPLIES, writeReply } from './replies.ts';

const LINE_LIMIT = 4096;
const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

/** Where content goes while it comes in. */
interface Incoming {
  readonly sink: ContentSink;
  readonly framer: ContentFramer;
  octets: number;
  /** Set once it is refused: the rest is read and forgotten (RFC 5321 §4.5.3.1.10). */
  refusal: Reply | undefined;
}

export class Injection implements InjectionSession {
  readonly icid: string;
  readonly clientAddress: string;
  helo = '';
  extended = false;
  tls: TLSSocket | undefined;
  /** Instant after which the client has been silent for too long; the receiver's sweep looks at it. */
  deadline = 0;
  #socket: Socket;
  readonly #options: ReceiverOptions;
  readonly #handler: InjectionHandler;
  #input: Buffer = EMPTY;
  #output = '';
  #busy = false;
  #closed = false;
  #errors = 0;
  #transaction: MailTransaction | undefined;
  #smtpUtf8 = false;
  #recipients = 0;
  #incoming: Incoming | undefined;

  constructor(socket: Socket, options: ReceiverOptions, handler: InjectionHandler) {
    this.icid = options.nextIcid();
    this.clientAddress = socket.remoteAddress ?? '';
    this.#socket = socket;
    this.#options = options;
    this.#handler = handler;
    this.#listen(socket);
    this.#touch();
  }

  get idle(): boolean {
    return this.#transaction === undefined && !this.#busy;
  }

  async greet(): Promise<void> {
    this.#busy = true;
    const greeting = await this.#handler.connect(this);
    this.#say(
      greeting.code === 220
        ? { code: 220, text: `${this.#options.hostname} ESMTP ${greeting.text}`.trimEnd() }
        : greeting,
    );
    if (greeting.code !== 220) this.#end();
    this.#busy = false;
    await this.#work();
  }

  /** Says a last reply and closes. */
  dismiss(reply: Reply): void {
    this.#say(reply);
    this.#end();
    this.#flush();
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
      this.#touch();
      if (!this.#busy) void this.#work();
    });
    socket.on('error', () => undefined);
    socket.on('drain', () => socket.resume());
    socket.once('close', () => {
      if (socket === this.#socket) this.#gone();
    });
  }

  #gone(): void {
    this.#closed = true;
    this.#incoming?.sink.abort();
    this.#incoming = undefined;
    this.#reset();
    this.#handler.closed(this);
  }

  #touch(): void {
    this.deadline =
      performance.now() +
      (this.#incoming === undefined ? this.#options.commandTimeoutMs : this.#options.contentTimeoutMs);
  }

  /** Takes what is in the input, step by step, until it is used up. Never rejects. */
  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (!this.#closed && this.#input.length > 0) {
        const step = this.#incoming === undefined ? this.#takeLine() : this.#takeContent(this.#incoming);
        if (step === false) break;
        if (step !== undefined) {
          // Whoever waits for the handler need not wait for the replies before it.
          this.#flush();
          this.#socket.pause();
          await step;
          this.#socket.resume();
        }
      }
    } catch {
      this.#say(REPLIES.fault);
      this.#end();
    }
    this.#flush();
    this.#busy = false;
    this.#touch();
  }

  // ---- commands

  /** False when there is no whole line yet. */
  #takeLine(): Promise<void> | undefined | false {
    const lf = this.#input.indexOf(LF);
    if (lf < 0 ? this.#input.length > LINE_LIMIT : lf > LINE_LIMIT) return this.#refuseAndClose(REPLIES.lineTooLong);
    if (lf < 0) return false;
    const octets = this.#input.toString('latin1', 0, lf + 1);
    this.#input = this.#input.subarray(lf + 1);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (octets.charCodeAt(lf - 1) !== CR || /[\0-\x08\x0a-\x1f\x7f]/.test(octets.slice(0, -2)))
      return this.#refuseAndClose(REPLIES.badLine);
    const line = decodeUtf8(octets.slice(0, -2));
    if (line === undefined) {
      this.#refuse(REPLIES.notUtf8);
      return undefined;
    }
    return this.#obey(readCommand(line.trimEnd()));
  }

  #obey(command: Command): Promise<void> | undefined {
    switch (command.verb) {
      case 'EHLO':
      case 'HELO':
        return this.#hello(command.helo, command.verb === 'EHLO');
      case 'MAIL':
        return this.#mail(command.argument);
      case 'RCPT':
        return this.#rcpt(command.argument);
      case 'DATA':
        return this.#data();
      case 'RSET':
        this.#reset();
        this.#say(REPLIES.ok);
        return undefined;
      case 'NOOP':
        this.#say(REPLIES.ok);
        return undefined;
      case 'VRFY':
        this.#say(REPLIES.cannotVerify);
        return undefined;
      case 'HELP':
        this.#say(REPLIES.help);
        return undefined;
      case 'STARTTLS':
        return this.#startTls();
      case 'QUIT':
        this.#say(REPLIES.bye);
        this.#end();
        return undefined;
      case 'AUTH':
        this.#refuse(
          this.tls === undefined && this.#options.tls !== undefined ? REPLIES.authBeforeTls : REPLIES.notOffered,
        );
        return undefined;
      case 'BDAT':
      case 'EXPN':
        this.#refuse(REPLIES.notOffered);
        return undefined;
      case 'foreign':
        return this.#refuseAndClose(REPLIES.foreign);
      case 'malformed':
        this.#refuse(REPLIES.malformed);
        return undefined;
      case 'unknown':
        this.#refuse(REPLIES.unknown);
        return undefined;
    }
  }

  #hello(helo: string, extended: boolean): undefined {
    this.#reset();
    this.helo = helo;
    this.extended = extended;
    const { hostname, maxMessageOctets, tls } = this.#options;
    const keywords = ['PIPELINING', `SIZE ${maxMessageOctets}`, '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES'];
    if (tls !== undefined && this.tls === undefined) keywords.push('STARTTLS');
    this.#say({ code: 250, text: extended ? [hostname, ...keywords].join('\n') : hostname });
    return undefined;
  }

  #mail(argument: string): Promise<void> | undefined {
    if (this.helo === '') return this.#refuse(REPLIES.heloFirst);
    if (this.#transaction !== undefined) return this.#refuse(REPLIES.nested);
    const path = readPath(argument);
    if (path.kind === 'malformed') return this.#refuse(REPLIES.badPath);
    const parameters = readMailParameters(path.rest);
    if ('code' in parameters) return this.#refuse(parameters);
    if (path.mailbox?.needsSmtpUtf8 === true && !parameters.smtpUtf8) return this.#refuse(REPLIES.needsSmtpUtf8);
    if ((parameters.sizeOctets ?? 0) > this.#options.maxMessageOctets) return this.#refuse(REPLIES.tooLarge);
    return this.#when(this.#handler.mail(this, { reversePath: path.mailbox, parameters }), (answer) => {
      if ('code' in answer) return this.#refuse(answer);
      this.#transaction = answer;
      this.#smtpUtf8 = parameters.smtpUtf8;
      this.#say({ code: 250, enhancedStatus: '2.1.0', text: 'Ok' });
    });
  }

  #rcpt(argument: string): Promise<void> | undefined {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#refuse(REPLIES.mailFirst);
    const path = readPath(argument);
    if (path.kind === 'malformed') return this.#refuse(REPLIES.badRecipient);
    if (path.mailbox === null) return this.#refuse(REPLIES.nullRecipient);
    const parameters = readRcptParameters(path.rest);
    if ('code' in parameters) return this.#refuse(parameters);
    if (path.mailbox.needsSmtpUtf8 && !this.#smtpUtf8) return this.#refuse(REPLIES.needsSmtpUtf8);
    // No fault of the client's: it sends the rest in another transaction (RFC 5321 §4.5.3.1.10).
    if (this.#recipients >= this.#options.maxRecipients) {
      this.#say(REPLIES.tooManyRecipients);
      return undefined;
    }
    return this.#when(transaction.rcpt({ forwardPath: path.mailbox, parameters }), (answer) => {
      if (answer.code >= 400) return this.#refuse(answer);
      this.#recipients += 1;
      this.#say(answer);
    });
  }

  #data(): Promise<void> | undefined {
    const transaction = this.#transaction;
    if (transaction === undefined) return this.#refuse(REPLIES.mailFirst);
    if (this.#recipients === 0) return this.#refuse(REPLIES.noRecipients);
    return this.#when(transaction.content(), (answer) => {
      if ('code' in answer) return this.#refuse(answer);
      if (this.#closed) return answer.abort();
      this.#incoming = { sink: answer, framer: new ContentFramer(), octets: 0, refusal: undefined };
      this.#say(REPLIES.goAhead);
    });
  }

  // ---- content

  #takeContent(incoming: Incoming): Promise<void> | undefined {
    const chunk = this.#input;
    const { piece, end, bare } = incoming.framer.take(chunk);
    this.#input = end < 0 ? EMPTY : chunk.subarray(end);
    // The connection ends with it: what follows a bare line end may be a smuggled command.
    if (bare) {
      this.#dropContent(incoming);
      return this.#refuseAndClose(REPLIES.bareLineEnd);
    }
    let written: Promise<void> | undefined;
    if (piece !== undefined && incoming.refusal === undefined) {
      incoming.octets += piece.length;
      if (incoming.octets > this.#options.maxMessageOctets) {
        incoming.refusal = REPLIES.tooLarge;
        incoming.sink.abort();
      } else if (piece.length > 0) written = incoming.sink.write(piece) ?? undefined;
    }
    if (end < 0) return written;
    return written === undefined ? this.#endContent(incoming) : written.then(() => this.#endContent(incoming));
  }

  #endContent(incoming: Incoming): Promise<void> | undefined {
    // The sink's end is the last that the handler hears of the transaction, also if the client goes away meanwhile.
    this.#incoming = undefined;
    this.#transaction = undefined;
    this.#recipients = 0;
    return this.#when(incoming.refusal ?? incoming.sink.end(), (reply) => {
      this.#say(reply);
      if (reply.code === 421) this.#end();
    });
  }

  #dropContent(incoming: Incoming): void {
    if (incoming.refusal === undefined) incoming.sink.abort();
    this.#incoming = undefined;
    this.#transaction = undefined;
  }

  // ---- TLS

  #startTls(): Promise<void> | undefined {
    const { tls } = this.#options;
    if (tls === undefined || this.tls !== undefined) return this.#refuse(REPLIES.notOffered);
    // Plain text that was sent behind STARTTLS must not be taken for what comes under TLS (CVE-2011-0411).
    if (this.#input.length > 0) return this.#refuseAndClose(REPLIES.badLine);
    this.#reset();
    this.#say(REPLIES.readyForTls);
    this.#flush();
    const plain = this.#socket;
    plain.removeAllListeners();
    plain.on('error', () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    const secured = new TLSSocket(plain, {
      isServer: true,
      secureContext: createSecureContext({ cert: tls.certificate, key: tls.key }),
    });
    this.#socket = secured;
    secured.once('secure', () => {
      this.tls = secured;
      this.helo = '';
      this.#handler.secured?.(this);
      resolve();
    });
    secured.once('close', resolve);
    plain.once('close', () => secured.destroy());
    this.#listen(secured);
    return promise;
  }

  // ---- saying and ending

  /** Goes on with an answer, at once if it is there. */
  #when<T>(answer: T | Promise<T>, then: (answer: T) => void | undefined): Promise<void> | undefined {
    if (answer instanceof Promise) return answer.then(then);
    then(answer);
    return undefined;
  }

  #say(reply: Reply): void {
    this.#output += writeReply(reply);
  }

  #refuse(reply: Reply): undefined {
    this.#errors += 1;
    this.#say(reply);
    if (reply.code === 421) this.#end();
    else if (this.#errors >= this.#options.maxErrors) {
      this.#say(REPLIES.tooManyErrors);
      this.#end();
    }
    return undefined;
  }

  #refuseAndClose(reply: Reply): undefined {
    this.#say(reply);
    this.#end();
    return undefined;
  }

  #reset(): void {
    this.#transaction?.reset();
    this.#transaction = undefined;
    this.#recipients = 0;
  }

  #end(): void {
    this.#closed = true;
  }

  #flush(): void {
    const { bytesRead } = this.#socket;
    if (this.#output !== '' && this.#socket.writable) {
      const text = this.#output;
      this.#output = '';
      if (!this.#socket.write(text, hasNonAscii(text) ? 'utf8' : 'latin1')) this.#socket.pause();
    }
    if (!this.#closed) return;
    this.#input = EMPTY;
    this.#socket.end();
    // What the client still sends is read away, else a reset could take our last reply from it; but not for ever.
    this.deadline = performance.now() + (bytesRead > 0 ? 2000 : 0);
  }
}
