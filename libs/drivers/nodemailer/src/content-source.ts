import { Readable, type Writable } from 'node:stream';
import type { Content, Transaction } from '@mailyard/delivery-rules';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';

/**
 * The content of a transaction as nodemailer takes it. It is piped once the host has answered 354, into a stream that
 * doubles dots and writes the final one when it is ended: so the end of that stream is where the proof is asked for.
 */
export class ContentSource extends Readable {
  /** The host waits for content. */
  isStarted = false;
  /** The final dot may have been sent. */
  isEnded = false;
  readonly #content: Content;
  readonly #octets: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
  readonly #mayEnd: Transaction['mayEnd'];
  readonly #connection: SMTPConnection;
  readonly #onFault: (reason: string) => void;

  /** @param onFault told why the dot was not sent */
  constructor(
    content: Content,
    octets: readonly Uint8Array[] | AsyncIterable<Uint8Array>,
    mayEnd: Transaction['mayEnd'],
    connection: SMTPConnection,
    onFault: (reason: string) => void,
  ) {
    super({ read: () => undefined });
    this.#content = content;
    this.#octets = octets;
    this.#mayEnd = mayEnd;
    this.#connection = connection;
    this.#onFault = onFault;
  }

  override pipe<Target extends NodeJS.WritableStream>(target: Target): Target {
    this.isStarted = true;
    const sink = target as unknown as Writable & Readable;
    this.#pump(sink).then(
      () => {
        if (this.destroyed) return;
        this.isEnded = true;
        sink.end();
      },
      (error: unknown) => this.#onFault((error as Error).message),
    );
    return target;
  }

  async #pump(sink: Writable & Readable): Promise<void> {
    const invitation = this.#connection.lastServerResponse;
    // Nodemailer takes anything that begins with 2 or 3 for an invitation.
    if (invitation === false || !/^354(?:[ -]|$)/.test(invitation)) throw new Error('unexpected reply to DATA');
    let sizeOctets = 0;
    for await (const chunk of this.#octets) {
      sizeOctets += chunk.length;
      // It is lent, and nodemailer's streams keep it for longer.
      if (chunk.length > 0 && !sink.write(Buffer.from(chunk))) await this.#drained(() => sink.writableNeedDrain);
      if (this.destroyed) return;
    }
    const { sizeOctets: expected } = this.#content;
    if (sizeOctets !== expected)
      throw new Error(`the content has ${sizeOctets} octets where ${expected} were announced`);
    if (this.#mayEnd === undefined) return;
    await this.#drained(() => sink.writableLength + sink.readableLength + this.#unsent > 0);
    const allowed = await this.#mayEnd();
    if (!allowed) throw new Error('the final dot was not allowed');
  }

  /** Octets that the kernel has not taken. */
  get #unsent(): number {
    const { _socket: socket } = this.#connection;
    return socket ? socket.writableLength : 0;
  }

  /** Waits while something is on its way: nodemailer's stages have no common event for it. */
  async #drained(isPending: () => boolean): Promise<void> {
    await new Promise(setImmediate);
    while (isPending() && !this.destroyed) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
