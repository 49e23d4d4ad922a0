import { request } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import type { MtaStsFetchResult, Resolver } from '@mailyard/delivery-rules';
import type { Domain } from '@mailyard/mail';
import { judgeCertificate, type TlsContext } from '@mailyard/smtp-client';

/** The text of a policy, or why it cannot be had. */
export type FetchedText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'failure'; readonly result: MtaStsFetchResult; readonly reason: string };

export interface PolicyHostOptions {
  readonly resolver: Pick<Resolver, 'addresses'>;
  /** The authorities by which the certificates of policy hosts are judged. */
  readonly tlsContext: TlsContext;
  /** For a whole fetch: mail waits for it. */
  readonly timeLimitMs?: number;
  /** Where policy hosts listen; for tests, which cannot always have 443. */
  readonly port?: number;
}

const PATH = '/.well-known/mta-sts.txt';
/** What RFC 8461 §3.3 suggests. */
const SIZE_LIMIT = 65_536;
const TIME_LIMIT_MS = 10_000;
/** For one address to answer, where there are others. */
const CONNECT_LIMIT_MS = 3_000;
/** Addresses of a policy host that are tried. */
const ADDRESS_LIMIT = 4;

/**
 * The hosts at which domains have their policies: `https://mta-sts.<domain>/.well-known/mta-sts.txt` (RFC 8461 §3.3).
 *
 * Nothing is asked of a host whose certificate does not hold for its name, no redirect is followed, nothing is cached,
 * and no more is read than a policy may have. Connections are made to the addresses that the resolver of deliveries
 * tells, through no proxy.
 */
export class PolicyHost {
  readonly #resolver: PolicyHostOptions['resolver'];
  readonly #tlsContext: TlsContext;
  readonly #timeLimitMs: number;
  readonly #port: number;

  constructor({ resolver, tlsContext, timeLimitMs = TIME_LIMIT_MS, port = 443 }: PolicyHostOptions) {
    this.#resolver = resolver;
    this.#tlsContext = tlsContext;
    this.#timeLimitMs = timeLimitMs;
    this.#port = port;
  }

  /** Fetches the policy of a domain. Never rejects. */
  async fetch(domain: Domain): Promise<FetchedText> {
    const name = `mta-sts.${domain}`;
    const limit = AbortSignal.timeout(this.#timeLimitMs);
    try {
      const answer = await this.#resolver.addresses(name as Domain);
      if (answer.kind === 'failure') return failure(`addresses of ${name} not known: ${answer.reason}`);
      if (answer.kind !== 'addresses') return failure(`${name} has no address`);
      limit.throwIfAborted();
      const socket = await this.#connect(name, answer.addresses.slice(0, ADDRESS_LIMIT), limit);
      try {
        const fault = judgeCertificate(socket, socket.getPeerX509Certificate(), [name], 'never');
        if (fault === undefined) return await ask(socket, name, limit);
        return failure(`certificate of ${name} not verified: ${fault.reason}`, 'sts-webpki-invalid');
      } finally {
        socket.destroy();
      }
    } catch (error) {
      if (limit.aborted) return failure(`${name} has not answered within ${this.#timeLimitMs / 1000} s`);
      return failure(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A TLS session with the first address that takes one. */
  async #connect(name: string, addresses: readonly string[], limit: AbortSignal): Promise<TLSSocket> {
    let last: unknown = new Error('no address');
    for (const address of addresses) {
      try {
        return await this.#secure(name, address, address === addresses.at(-1) ? undefined : CONNECT_LIMIT_MS, limit);
      } catch (error) {
        last = error;
        if (limit.aborted) break;
      }
    }
    throw last;
  }

  #secure(name: string, host: string, waitMs: number | undefined, limit: AbortSignal): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port: this.#port,
        servername: name,
        secureContext: this.#tlsContext.get(true),
        ALPNProtocols: ['http/1.1'],
        // Judged by the caller, in the words that hosts of mail are judged in.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
      });
      const fail = (error: Error): void => {
        socket.destroy();
        reject(error);
      };
      const giveUp = (): void => fail(new Error(`${host} does not answer`));
      const timer = waitMs === undefined ? undefined : setTimeout(giveUp, waitMs);
      limit.addEventListener('abort', giveUp);
      // Stays: what goes wrong later is told to the request, and must not end the process.
      socket.on('error', fail);
      socket.once('close', () => {
        clearTimeout(timer);
        limit.removeEventListener('abort', giveUp);
        giveUp();
      });
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }
}

/** Asks a host for its policy over a session that is there (RFC 8461 §3.3). */
function ask(socket: TLSSocket, name: string, signal: AbortSignal): Promise<FetchedText> {
  return new Promise((resolve, reject) => {
    const asking = request({
      createConnection: () => socket,
      path: PATH,
      headers: { host: name, accept: 'text/plain', connection: 'close' },
      signal,
    });
    asking.on('error', reject);
    // What else a host may answer with that Node makes no response of: the limit holds whatever it is.
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    asking.on('upgrade', () => resolve(failure(`${name} answers 101`)));
    asking.on('response', (response) => {
      const { statusCode, headers } = response;
      const type = (headers['content-type'] ?? '').split(';')[0]!.trim();
      if (statusCode !== 200) return resolve(failure(`${name} answers ${statusCode}`));
      if (type.toLowerCase() !== 'text/plain')
        return resolve(failure(`${name} answers with ${printable(type) || 'no type'}, not text/plain`));
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        octets += chunk.length;
        chunks.push(chunk);
        if (octets > SIZE_LIMIT) resolve(failure(`${name} answers with more than ${SIZE_LIMIT} octets`));
      });
      response.on('end', () => resolve({ kind: 'text', text: Buffer.concat(chunks).toString('utf8') }));
    });
    asking.end();
  });
}

function failure(reason: string, result: MtaStsFetchResult = 'sts-policy-fetch-error'): FetchedText {
  return { kind: 'failure', result, reason };
}

/** What an operator reads of a host's answer is of the host's choosing. */
function printable(text: string): string {
  return text.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?');
}
