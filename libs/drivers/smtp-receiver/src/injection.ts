/**
 * One injection connection: frames commands and content, lets the dialog decide, asks the handler.
 *
 * Replies to all that came in one chunk leave in one write. While the handler is asked, and while the client does not
 * read its replies, what comes in is held up to a limit and then no longer read: memory is bounded.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { decodeUtf8, hasNonAscii, type Reply } from '@mailyard/mail';
import { ChunkFramer } from './chunk-framer.ts';
import { ContentFramer } from './content-framer.ts';
import { Dialog, type Step } from './dialog.ts';
import type { InjectionHandler, InjectionSession, MailTransaction, ReceiverOptions } from './handler.ts';
import { Incoming } from './incoming.ts';
import { REPLIES, writeReply } from './replies.ts';

const LINE_LIMIT = 4096;
/** Octets that may wait here while the handler is asked. */
const HELD_LIMIT = 65_536;
/** What the client still sends behind our last reply is read away for so long, else a reset could take the reply. */
const LINGER_MS = 2000;
const LF = 10;
const CR = 13;
const EMPTY = Buffer.alloc(0);

/** A BDAT whose octets are coming in. */
interface Chunk {
  left: number;
  readonly last: boolean;
  readonly refusal: Reply | undefined;
}

export class Injection implements InjectionSession {
  readonly icid: string;
  readonly clientAddress: string;
  tls: TLSSocket | undefined;
  /** Instant after which {@link expire} is due; the receiver's sweep looks at it. */
  deadline = Infinity;
  /** What it was when the work began. */
  #restingDeadline = Infinity;
  readonly #plain: Socket;
  #socket: Socket;
  readonly #options: ReceiverOptions;
  readonly #secureContext: SecureContext | undefined;
  readonly #handler: InjectionHandler;
  readonly #dialog: Dialog;
  #input: Buffer = EMPTY;
  #output = '';
  #busy = false;
  #ended = false;
  gone = false;
  state: unknown;
  #halfClosed = false;
  /** Whether the client did what its deadline was set for. */
  #advanced = true;
  #transaction: MailTransaction | undefined;
  #incoming: Incoming | undefined;
  #chunk: Chunk | undefined;

  constructor(
    socket: Socket,
    options: ReceiverOptions,
    secureContext: SecureContext | undefined,
    handler: InjectionHandler,
  ) {
    this.icid = options.nextIcid();
    this.clientAddress = withoutMapping(socket.remoteAddress ?? '');
    this.#plain = socket;
    this.#socket = socket;
    this.#options = options;
    this.#secureContext = secureContext;
    this.#handler = handler;
    this.#dialog = new Dialog({
      ...options,
      offersTls: secureContext !== undefined,
      authentication: options.authentication,
      nonce: () => randomBytes(18).toString('base64'),
    });
    socket.on('error', ignore);
    socket.once('close', () => this.#close());
    this.#listen(socket);
  }

  get helo(): string {
    return this.#dialog.helo;
  }

  get extended(): boolean {
    return this.#dialog.extended;
  }

  get user(): string | undefined {
    return this.#dialog.user;
  }

  /** Whether nothing is under way that a stop should wait for. */
  get idle(): boolean {
    return !this.#dialog.open && !this.#busy;
  }

  async greet(): Promise<void> {
    this.#busy = true;
    const greeting = await this.#handler.connect(this);
    if (greeting === 'reset') {
      this.#ended = true;
      this.#plain.resetAndDestroy();
      return;
    }
    if (this.#options.tls?.isImplicit === true) await this.#secure();
    if (greeting.code === 220) {
      const { hostname = this.#options.hostname, text } = greeting;
      this.#dialog.restrict(greeting);
      this.#say({ code: 220, text: `${hostname} ESMTP ${text}`.trim() });
    } else this.#end(greeting);
    this.#busy = false;
    this.#work();
  }

  /** Says a last reply and closes; does nothing where that was done. */
  dismiss(reply: Reply): void {
    if (this.#ended) return;
    this.#end(reply);
    this.#flush();
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.#ended) this.#plain.destroy();
    else this.dismiss(REPLIES.timeout);
  }

  /** Takes octets that came, and keeps no hold of the memory they are in. */
  borrow(octets: Buffer): void {
    this.#onData(octets);
    if (this.#input.buffer === octets.buffer) this.#input = Buffer.from(this.#input);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#ended) return;
    this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
    if (!this.#busy) this.#work();
    else if (this.#input.length > HELD_LIMIT) this.#socket.pause();
  };

  readonly #onDrain = (): void => {
    if (!this.#busy) this.#work();
  };

  /** A client that has said all it wants to say still gets the replies to it. */
  readonly #onEnd = (): void => {
    this.#halfClosed = true;
    if (!this.#busy) this.#work();
  };

  #listen(socket: Socket): void {
    socket.on('data', this.#onData).on('drain', this.#onDrain).on('end', this.#onEnd);
  }

  #close(): void {
    if (this.gone) return;
    this.gone = true;
    this.#ended = true;
    this.#input = EMPTY;
    this.#dropContent();
    this.#handler.closed(this);
  }

  /** Takes what is in the input, step by step, until it is used up; where a step takes time, goes on behind it. */
  #work(): void {
    if (!this.#busy) {
      this.#busy = true;
      // While the client waits for us its time does not run.
      this.#restingDeadline = this.deadline;
      this.deadline = Infinity;
    }
    try {
      while (!this.#ended && this.#input.length > 0 && !this.#socket.writableNeedDrain) {
        const step = this.#take();
        if (step === false) break;
        if (step !== undefined) {
          // Whoever waits for the handler need not wait for the replies before it.
          this.#flush();
          step.then(this.#goOn, this.#fail);
          return;
        }
      }
    } catch {
      this.#end(REPLIES.fault);
    }
    this.#rest();
  }

  readonly #goOn = (): void => this.#work();

  readonly #fail = (): void => {
    this.#end(REPLIES.fault);
    this.#work();
  };

  /** Says what is to be said and waits for the client. */
  #rest(): void {
    this.#busy = false;
    if (this.#halfClosed && !this.#socket.writableNeedDrain) this.#end();
    this.#flush();
    if (this.#ended) return;
    // A client that does not read its replies is not read from either, and its time runs all the same.
    if (this.#socket.writableNeedDrain) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
    this.deadline = this.#advanced ? this.#nextDeadline() : this.#restingDeadline;
    this.#advanced = false;
  }

  /** A command's time runs from when we are ready for it to the end of its line: single octets do not prolong it. */
  #nextDeadline(): number {
    const now = performance.now();
    if (this.#incoming === undefined) return now + this.#options.commandTimeoutMs;
    return Math.min(now + this.#options.contentTimeoutMs, this.#incoming.deadline);
  }

  /** False when what came is not enough for a step. */
  #take(): Promise<void> | undefined | false {
    if (this.#chunk !== undefined) return this.#takeChunk(this.#chunk);
    const { framer } = this.#incoming ?? {};
    return framer instanceof ContentFramer ? this.#takeData(this.#incoming!, framer) : this.#takeLine();
  }

  // ---- commands

  #takeLine(): Promise<void> | undefined | false {
    const lf = this.#input.indexOf(LF);
    if (lf < 0 ? this.#input.length > LINE_LIMIT : lf > LINE_LIMIT) return this.#end(REPLIES.lineTooLong);
    if (lf < 0) return false;
    const octets = this.#input.toString('latin1', 0, Math.max(0, lf - 1));
    const crlf = this.#input[lf - 1] === CR;
    this.#advanced = true;
    this.#input = this.#input.subarray(lf + 1);
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (!crlf || /[\0-\x08\x0a-\x1f\x7f]/.test(octets)) return this.#end(REPLIES.badLine);
    const line = decodeUtf8(octets);
    return this.#perform(line === undefined ? this.#dialog.refuse(REPLIES.notUtf8) : this.#dialog.obey(line));
  }

  #perform(step: Step): Promise<void> | undefined {
    switch (step.kind) {
      case 'say':
        return this.#say(step.reply);
      case 'end':
        return this.#end(...step.replies);
      case 'mail':
        return this.#when(this.#handler.mail(this, step.command), (answer) => {
          if ('code' in answer) return this.#refuse(answer);
          this.#transaction = answer;
          this.#dialog.mailTaken(step.command);
          return this.#say(REPLIES.mailOk);
        });
      case 'rcpt':
        return this.#when(this.#transaction!.rcpt(step.command), (answer) => {
          if (answer.code >= 400) return this.#perform(this.#dialog.rcptRefused(answer));
          this.#dialog.rcptTaken();
          return this.#say(answer);
        });
      case 'data':
        return this.#begin(
          () => new ContentFramer(),
          (refusal) => (refusal === undefined ? this.#say(REPLIES.goAhead) : this.#refuse(refusal)),
        );
      case 'chunk':
        return this.#beginChunk(step);
      case 'reset':
        this.#dropContent();
        return this.#say(step.reply);
      case 'tls':
        return this.#startTls();
      case 'keys':
        return this.#when(this.#handler.scramKeys?.(this, step.name) ?? REPLIES.fault, (answer) =>
          this.#perform('code' in answer ? this.#dialog.authenticationRefused(answer) : this.#dialog.keysFound(answer)),
        );
      case 'judge':
        return this.#when(this.#handler.judge?.(this, step.evidence) ?? REPLIES.fault, (answer) =>
          this.#perform(
            answer.code === 235 ? this.#dialog.authenticationAccepted() : this.#dialog.authenticationRefused(answer),
          ),
        );
      case 'authenticated':
        this.#handler.authenticated?.(this, step.mechanism);
        return this.#say(step.reply);
    }
  }

  // ---- content

  #begin(
    frame: () => ContentFramer | ChunkFramer,
    then: (refusal: Reply | undefined) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    return this.#when(this.#transaction!.content(), (answer) => {
      if ('code' in answer) return then(answer);
      this.#incoming = new Incoming(answer, frame(), this.#dialog.maxMessageOctets);
      // The client may have gone while the handler made a place for its content.
      if (this.gone) return this.#dropContent();
      return then(undefined);
    });
  }

  #takeData(incoming: Incoming, framer: ContentFramer): Promise<void> | undefined {
    const input = this.#input;
    const { piece, end, bare } = framer.take(input);
    this.#input = end < 0 ? EMPTY : input.subarray(end);
    const written = this.#keep(incoming, piece, bare);
    if (end < 0 || this.#ended) return written;
    return written === undefined ? this.#endContent(incoming) : written.then(() => this.#endContent(incoming));
  }

  #beginChunk({ octets, last, first, refusal }: Extract<Step, { kind: 'chunk' }>): Promise<void> | undefined {
    const expect = (refused: Reply | undefined): Promise<void> | undefined => {
      this.#chunk = { left: octets, last, refusal: refused };
      // An empty chunk has no octet to wait for.
      return octets === 0 ? this.#endChunk(this.#chunk) : undefined;
    };
    if (refusal !== undefined || !first) return expect(refusal);
    return this.#begin(
      () => new ChunkFramer(),
      (refused) => {
        // A chunk that failed has failed its transaction (RFC 3030 §2).
        if (refused !== undefined) {
          this.#dialog.ended();
          this.#dropContent();
        }
        return expect(refused);
      },
    );
  }

  #takeChunk(chunk: Chunk): Promise<void> | undefined {
    const octets = this.#input.subarray(0, chunk.left);
    this.#input = this.#input.subarray(octets.length);
    chunk.left -= octets.length;
    let written: Promise<void> | undefined;
    if (this.#incoming?.framer instanceof ChunkFramer && chunk.refusal === undefined) {
      const { piece, bare } = this.#incoming.framer.take(octets);
      written = this.#keep(this.#incoming, piece, bare);
    }
    if (chunk.left > 0 || this.#ended) return written;
    return written === undefined ? this.#endChunk(chunk) : written.then(() => this.#endChunk(chunk));
  }

  #endChunk(chunk: Chunk): Promise<void> | undefined {
    this.#chunk = undefined;
    if (chunk.refusal !== undefined) return this.#refuse(chunk.refusal);
    const incoming = this.#incoming;
    if (incoming === undefined || !(incoming.framer instanceof ChunkFramer)) return undefined;
    if (!chunk.last) return this.#say(incoming.refusal ?? REPLIES.chunk);
    const { piece, bare } = incoming.framer.finish();
    const written = this.#keep(incoming, piece, bare);
    if (this.#ended) return written;
    return written === undefined ? this.#endContent(incoming) : written.then(() => this.#endContent(incoming));
  }

  /** Hands a piece on, unless the connection ends with it. */
  #keep(incoming: Incoming, piece: Buffer | undefined, bare: boolean): Promise<void> | undefined {
    this.#advanced = true;
    // The connection ends with it: what follows a bare line end may be a smuggled command.
    if (bare) {
      this.#dropContent();
      return this.#end(REPLIES.bareLineEnd);
    }
    if (piece === undefined || piece.length === 0) return undefined;
    const written = incoming.write(piece);
    // What comes meanwhile stays with the kernel; held here it would be copied.
    if (written !== undefined) this.#socket.pause();
    return written;
  }

  #endContent(incoming: Incoming): Promise<void> | undefined {
    // While the handler decides the content is no longer ours to drop.
    this.#incoming = undefined;
    this.#transaction = undefined;
    return this.#when(incoming.end(), (reply) => {
      this.#dialog.ended();
      return reply.code === 421 ? this.#end(reply) : this.#say(reply);
    });
  }

  /** Lets go of what a transaction has: its content where that has begun, else itself. */
  #dropContent(): undefined {
    const incoming = this.#incoming;
    this.#incoming = undefined;
    this.#chunk = undefined;
    if (incoming === undefined) this.#transaction?.reset();
    else incoming.drop();
    this.#transaction = undefined;
    return undefined;
  }

  // ---- TLS

  #startTls(): Promise<void> | undefined {
    // Plain text that was sent behind STARTTLS must not be taken for what comes under TLS (CVE-2011-0411).
    if (this.#input.length > 0) return this.#end(REPLIES.badLine);
    this.#dropContent();
    this.#say(REPLIES.readyForTls);
    this.#flush();
    return this.#secure();
  }

  /** Settles when TLS is on, or the connection is no more. */
  #secure(): Promise<void> {
    this.#plain.off('data', this.#onData).off('drain', this.#onDrain).off('end', this.#onEnd);
    const { promise, resolve } = Promise.withResolvers<void>();
    const secured = new TLSSocket(this.#plain, { isServer: true, secureContext: this.#secureContext! });
    this.#socket = secured;
    this.deadline = performance.now() + this.#options.commandTimeoutMs;
    secured.on('error', ignore);
    secured.once('secure', () => {
      this.tls = secured;
      this.#dialog.secured();
      this.#handler.secured?.(this);
      resolve();
    });
    secured.once('close', () => {
      this.#plain.destroy();
      resolve();
    });
    this.#plain.once('close', () => secured.destroy());
    this.#listen(secured);
    return promise;
  }

  // ---- saying and ending

  /** Goes on with an answer, at once if it is there. */
  #when<T>(answer: T | Promise<T>, then: (answer: T) => Promise<void> | undefined): Promise<void> | undefined {
    return answer instanceof Promise ? answer.then(then) : then(answer);
  }

  #say(reply: Reply): undefined {
    this.#output += writeReply(reply);
    return undefined;
  }

  #refuse(reply: Reply): undefined {
    const step = this.#dialog.refuse(reply);
    return step.kind === 'end' ? this.#end(...step.replies) : this.#say(reply);
  }

  #end(...replies: readonly Reply[]): undefined {
    if (this.#ended) return undefined;
    for (const reply of replies) this.#say(reply);
    this.#ended = true;
    this.#dropContent();
    return undefined;
  }

  #flush(): void {
    if (this.#output !== '' && this.#socket.writable) {
      const text = this.#output;
      this.#output = '';
      this.#socket.write(text, hasNonAscii(text) ? 'utf8' : 'latin1');
    }
    if (!this.#ended || this.#socket.writableEnded) return;
    this.#input = EMPTY;
    this.#socket.end();
    this.#socket.resume();
    this.deadline = performance.now() + LINGER_MS;
  }
}

function ignore(): void {
  // The 'close' that follows an error says all that matters here.
}

/** A client that came over IPv4 to a socket of both kinds is known by its IPv4 address. */
function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
