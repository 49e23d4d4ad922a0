/**
 * A scriptable SMTP server for tests: it takes mail, keeps and counts it, and misbehaves where a test tells it to.
 *
 * Written on `node:net` alone, so that it shares no code with the receivers and clients under test. Only CRLF.CRLF ends
 * a message. At each step of each session {@link SinkOptions.onStep} may answer otherwise than a well-behaved server.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { makeCertificate, type SelfSignedCertificate } from './certificate.ts';
import type { SinkRecord } from './sink-record.ts';
import type { SinkMessage, SinkOptions } from './sink-script.ts';
import { SinkSession } from './sink-session.ts';

export type { SinkAnswer, SinkContext, SinkMessage, SinkOptions, SinkRecipient, SinkStep } from './sink-script.ts';

/** A running sink. */
export class SmtpSink implements SinkRecord {
  readonly port: number;
  readonly messages: SinkMessage[] = [];
  /** Connections made so far. */
  connections = 0;
  transactions = 0;
  accepted = 0;
  recipients = 0;
  readonly options: SinkOptions;
  readonly certificate: SelfSignedCertificate | undefined;
  readonly #server: Server;
  readonly #sessions = new Set<SinkSession>();
  readonly #waiting = new Set<() => void>();

  private constructor(server: Server, options: SinkOptions, certificate: SelfSignedCertificate | undefined) {
    this.#server = server;
    this.options = options;
    this.certificate = certificate;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.connections++;
      this.changed();
      const number = this.connections;
      const session = new SinkSession(this, number, socket);
      this.#sessions.add(session);
      socket.once('close', () => {
        this.#sessions.delete(session);
        this.options.onClose?.(number);
        this.changed();
      });
    });
  }

  static async start(options: SinkOptions = {}): Promise<SmtpSink> {
    const certificate = options.tls === true ? makeCertificate() : options.tls || undefined;
    const server = createServer({ noDelay: true });
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
    await once(server, 'listening');
    return new SmtpSink(server, options, certificate);
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.#sessions.size;
  }

  changed(): void {
    for (const check of this.#waiting) check();
  }

  /** Resolves once the condition holds; it is asked again after each change. Rejects after `timeoutMs`: by default sooner than a first retry would come. */
  async until(condition: (sink: this) => boolean, timeoutMs = 45_000): Promise<void> {
    if (condition(this)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = (): void => {
      if (condition(this)) resolve();
    };
    const timer = setTimeout(() => {
      reject(new Error(`${condition.toString()} does not hold: ${this.accepted} of ${this.transactions} taken`));
    }, timeoutMs);
    this.#waiting.add(check);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(check);
    }
  }

  /** Resets every open connection; goes on listening. */
  dropConnections(): void {
    for (const session of this.#sessions) session.reset();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.dropConnections();
    await closed;
  }
}
