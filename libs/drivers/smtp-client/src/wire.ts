import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, TLSSocket } from 'node:tls';
import type { Deadline, Deadlines } from './deadlines.ts';
import { type ParsedReply, ReplyParser } from './reply-parser.ts';

/** Enough for the replies to a pipelined envelope; longer ones are read in several turns. */
const READ_BUFFER_OCTETS = 2_048;
/** Measured: joining costs less than `writev` at 4 KiB, more at 40. */
const JOIN_LIMIT_OCTETS = 8_192;
const NEVER = Number.POSITIVE_INFINITY;

/**
 * The octets of one connection: commands and content out, replies in, each wait with a deadline.
 *
 * Replies are taken in order, whether they came before or after they were asked for. Once the connection ended, by
 * whatever cause, {@link ended} says why and every wait yields nothing; nothing here rejects.
 */
export class Wire implements Deadline {
  deadlineAt = NEVER;
  /** Why there is no connection any more. */
  ended: string | undefined;
  #socket: Socket;
  #parser = new ReplyParser();
  readonly #deadlines: Deadlines;
  #replies: ParsedReply[] = [];
  #waiting: ((reply: ParsedReply | undefined) => void) | undefined;
  /** Resolves a wait for something other than a reply: connect, handshake, flush. */
  #proceed: ((good: boolean) => void) | undefined;
  #reading: string;
  readonly #onWritten = (): void => {
    if (this.#socket.writableLength === 0) this.#settle(true);
  };

  private constructor(socket: Socket, deadlines: Deadlines) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#reading = 'connection timed out';
    deadlines.watch(this);
    this.#listen(socket);
  }

  /** Opens a TCP connection; the wire that is returned has {@link ended} set when there is none. */
  static async open(
    address: string,
    port: number,
    localAddress: string | undefined,
    timeoutMs: number,
    deadlines: Deadlines,
  ): Promise<Wire> {
    let wire: Wire | undefined;
    const socket = connect({
      host: address,
      port,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
      // One buffer for the life of the connection: replies are small, and turned into text at once.
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ_BUFFER_OCTETS),
        callback: (count, buffer) => {
          wire?.read((buffer as Buffer).toString('latin1', 0, count));
          return true;
        },
      },
    });
    wire = new Wire(socket, deadlines);
    socket.once('connect', () => wire.#settle(true));
    await wire.#wait(timeoutMs, 'connection timed out');
    return wire;
  }

  /** Whether something came that nobody asked for, a 421 before closing for one. */
  get hasUnread(): boolean {
    return this.#replies.length > 0 || this.#parser.isPartial;
  }

  get isSecure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** The next reply; undefined when the connection ended before it came. */
  reply(timeoutMs: number): Promise<ParsedReply | undefined> | ParsedReply {
    const here = this.#replies.shift();
    if (here !== undefined) return here;
    if (this.ended !== undefined) return Promise.resolve(undefined);
    this.#reading = 'timed out waiting for a reply';
    this.deadlineAt = performance.now() + timeoutMs;
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** A reply that is there already. */
  takeUnread(): ParsedReply | undefined {
    return this.#replies.shift();
  }

  /** Hands octets over; whether the kernel has them is {@link flushed}'s to say. Text is UTF-8. */
  write(octets: string | Uint8Array): void {
    if (this.ended === undefined && octets.length > 0) this.#socket.write(octets, this.#onWritten);
  }

  /** Writes several pieces in one call to the kernel: small ones joined, which is cheaper than a gathering write. */
  writeTogether(pieces: readonly Uint8Array[]): void {
    if (this.ended !== undefined) return;
    let sizeOctets = 0;
    for (const piece of pieces) sizeOctets += piece.length;
    if (sizeOctets <= JOIN_LIMIT_OCTETS) {
      this.write(Buffer.concat(pieces, sizeOctets));
      return;
    }
    this.#socket.cork();
    for (const piece of pieces) this.write(piece);
    this.#socket.uncork();
  }

  /** Octets written here that the kernel has not taken yet. */
  get backlogOctets(): number {
    return this.#socket.writableLength;
  }

  /** Resolves once the kernel has all that was written: false when the connection ended or took longer. */
  async flushed(timeoutMs: number): Promise<boolean> {
    if (this.ended !== undefined) return false;
    if (this.#socket.writableLength === 0) return true;
    return this.#wait(timeoutMs, 'timed out sending content');
  }

  /**
   * Goes over to TLS after a positive reply to STARTTLS. What the host said in the clear beyond that reply would be
   * taken for protected replies, so there must be nothing (CVE-2011-0411); else, or without a handshake, the wire ends.
   */
  async secure(options: ConnectionOptions, timeoutMs: number): Promise<TLSSocket | undefined> {
    if (this.hasUnread) {
      this.end('plaintext after STARTTLS');
      return undefined;
    }
    this.#parser = new ReplyParser();
    const plain = this.#socket;
    const secure = connectTls({ ...options, socket: plain });
    this.#socket = secure;
    this.#listen(secure);
    secure.on('data', (chunk: Buffer) => this.read(chunk.toString('latin1')));
    secure.once('secureConnect', () => this.#settle(true));
    return (await this.#wait(timeoutMs, 'TLS handshake timed out')) ? secure : undefined;
  }

  /** Takes what the host sent, as latin1. */
  read(text: string): void {
    if (this.ended !== undefined) return;
    for (const reply of this.#parser.feed(text)) {
      const waiting = this.#waiting;
      if (waiting === undefined) {
        this.#replies.push(reply);
        continue;
      }
      this.#waiting = undefined;
      this.deadlineAt = NEVER;
      waiting(reply);
    }
    if (this.#parser.fault !== undefined) this.end(this.#parser.fault);
    else if (this.#replies.length > REPLY_BACKLOG_LIMIT) this.end('replies to commands that were never sent');
  }

  /** The shared timer's call: the present wait took too long. */
  expire(): void {
    this.end(this.#reading);
  }

  /** Ends the connection without another word, so that the host cannot take what it has for a whole message. */
  end(reason: string): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.deadlineAt = NEVER;
    this.#deadlines.forget(this);
    if (this.#socket instanceof TLSSocket || this.#socket.connecting) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(undefined);
    this.#settle(false);
  }

  /** Closes in order: what was written is sent, then FIN. */
  close(reason = 'closed'): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.deadlineAt = NEVER;
    this.#deadlines.forget(this);
    this.#socket.destroySoon();
  }

  #listen(socket: Socket): void {
    socket.on('error', (error) => this.end(error.message));
    socket.on('end', () => this.end('connection closed by the host'));
    socket.on('close', () => this.end('connection closed'));
  }

  #settle(good: boolean): void {
    const proceed = this.#proceed;
    this.#proceed = undefined;
    if (proceed === undefined) return;
    this.deadlineAt = NEVER;
    proceed(good);
  }

  #wait(timeoutMs: number, reason: string): Promise<boolean> {
    if (this.ended !== undefined) return Promise.resolve(false);
    this.#reading = reason;
    this.deadlineAt = performance.now() + timeoutMs;
    return new Promise((resolve) => {
      this.#proceed = resolve;
    });
  }
}

/** More replies than any pipelined envelope has, waiting to be taken. */
const REPLY_BACKLOG_LIMIT = 2_048;
