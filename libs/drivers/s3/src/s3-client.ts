import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { MtaError } from '@mailyard/mail';
import { encodePath, encodeQuery, RequestSigner } from './request-signer.ts';
import { addressOf, type S3Address, type S3Options } from './s3-options.ts';
import { textOf } from './s3-xml.ts';

/** A request about the bucket, or about one object of it. Every one may be repeated. */
export interface S3Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  /** Without the prefix of the store. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** What the store answered in place of success. */
export class S3Refusal extends Error {
  readonly status: number;
  /** `NoSuchKey`, `SlowDown`, …; empty where the answer had no body. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(`${status} ${code} ${message}`.trim());
    this.name = 'S3Refusal';
    this.status = status;
    this.code = code;
  }
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 100;
/** No attempt begins later than this after the first. */
const GIVE_UP_AFTER_MS = 10_000;
const LARGEST_ANSWER = 16 * 1_048_576;
const EMPTY = new Uint8Array();

/** Sends signed requests over kept connections, and repeats what failed for the moment. */
export class S3Client {
  readonly #options: S3Options;
  readonly #address: S3Address;
  readonly #signer: RequestSigner;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #timeoutMs: number;

  constructor(options: S3Options) {
    this.#options = options;
    this.#address = addressOf(options);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    const { accessKeyId, secretAccessKey, sessionToken } = options;
    this.#signer = new RequestSigner({
      region: options.region ?? 'us-east-1',
      accessKeyId,
      secretAccessKey,
      sessionToken,
    });
    const settings = {
      keepAlive: true,
      maxSockets: options.maxConnections ?? 64,
      scheduling: 'lifo' as const,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    };
    this.#agent = this.#address.secure ? new HttpsAgent(settings) : new HttpAgent(settings);
  }

  /**
   * Sends a request and reads its answer whole.
   *
   * @throws S3Refusal when the store says no; MtaError `BODY_STORE_AWAY` when it gives no answer, also not when asked again
   */
  async ask(call: S3Call): Promise<{ readonly text: string; readonly fields: IncomingMessage['headers'] }> {
    return await this.#repeat(async () => {
      const answer = await this.#send(call);
      return { text: await textOfAnswer(answer), fields: answer.headers };
    });
  }

  /** The same, but the content of the answer is left to the caller. */
  async open(call: S3Call): Promise<IncomingMessage> {
    return await this.#repeat(() => this.#send(call));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #repeat<T>(ask: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    for (let attempt = 1, pauseMs = FIRST_PAUSE_MS; ; attempt++, pauseMs *= 2) {
      try {
        return await ask();
      } catch (error) {
        if (error instanceof S3Refusal && !isForTheMoment(error)) throw error;
        if (attempt === ATTEMPTS || performance.now() - begun + pauseMs > GIVE_UP_AFTER_MS) throw away(error);
      }
      // Between half and all of it, so that many who failed together do not come back together.
      await sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }

  async #send(call: S3Call): Promise<IncomingMessage> {
    const { host, hostname, port, base, secure } = this.#address;
    const { method, query = {}, body = EMPTY } = call;
    const path = call.key === undefined ? base : `${base}${encodePath(`${this.#options.prefix ?? ''}${call.key}`)}`;
    const headers = this.#signer.sign({ method, host, path, query, fields: call.fields ?? {}, body }, new Date());
    if (method === 'PUT' || method === 'POST') headers['content-length'] = String(body.length);
    const search = encodeQuery(query);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(
        {
          agent: this.#agent,
          method,
          hostname,
          port,
          path: search === '' ? path : `${path}?${search}`,
          headers,
          timeout: this.#timeoutMs,
        },
        resolve,
      );
      request.once('timeout', () => request.destroy(new Error(`silent for ${this.#timeoutMs} ms`)));
      request.once('error', reject);
      request.end(body.length === 0 ? undefined : body);
    });
    if (answer.statusCode! < 300) return answer;
    const text = await textOfAnswer(answer);
    throw new S3Refusal(answer.statusCode!, textOf(text, 'Code'), textOf(text, 'Message'));
  }
}

/** The store does not take or give bodies now. */
export function away(cause: unknown): MtaError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new MtaError('BODY_STORE_AWAY', `the body store does not answer: ${reason}`, { cause });
}

function isForTheMoment({ status, code }: S3Refusal): boolean {
  return (status >= 500 && status !== 501 && status !== 507) || status === 429 || code === 'RequestTimeout';
}

async function textOfAnswer(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let octets = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    octets += piece.length;
    if (octets > LARGEST_ANSWER) throw new Error('the answer is too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}
