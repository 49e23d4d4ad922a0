import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { DnsResolver } from '@mailyard/dns';
import type { Domain } from '@mailyard/mail';
import { TlsContext } from '@mailyard/smtp-client';
import { makeCertificate, type SelfSignedCertificate } from '@mailyard/testkit/certificate';
import { DnsServer } from '@mailyard/testkit/dns-server';
import type { Zone } from '@mailyard/testkit/zone';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type FetchedText, PolicyHost } from './policy-host.ts';

const POLICY = 'version: STSv1\r\nmode: enforce\r\nmx: mx.a.test\r\nmax_age: 9\r\n';
const NAME = 'mta-sts.a.test';

const authority = makeCertificate(['Authority of the test'], new Date(), { isAuthority: true });
const longAgo = new Date(Date.now() - 800 * 86_400_000);
const issue = (names: readonly string[], now = new Date()) => makeCertificate(names, now, { issuer: authority });
const right = issue([NAME]);

let folder: string;
let tlsContext: TlsContext;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-mta-sts-'));
  await writeFile(join(folder, 'authority.pem'), authority.cert);
  tlsContext = new TlsContext({ authority: join(folder, 'authority.pem') }, () => {});
});
afterAll(() => rm(folder, { recursive: true }));

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

const well: Answering = (_request, response) =>
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(POLICY);

/** A policy host on a port of its own. */
class TestHost {
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server, answer: Answering) {
    this.#server = server;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { servername } = request.socket as TLSSocket;
      this.asked.push(`${request.method} https://${request.headers.host}${request.url} as ${String(servername)}`);
      answer(request, response);
    });
  }

  static async start(answer: Answering, { key, cert }: SelfSignedCertificate): Promise<TestHost> {
    const server = createServer({ key, cert });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return new TestHost(server, answer);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
}

async function resolverOf(zone: Zone): Promise<DnsResolver> {
  const dns = await DnsServer.start(zone);
  onTestFinished(() => dns.stop());
  return new DnsResolver({ servers: [dns.address], timeoutMs: 10_000, tries: 1 });
}

const ZONE: Zone = { [NAME]: { a: ['127.0.0.1'] } };

async function fetchFrom(
  answer: Answering,
  certificate: SelfSignedCertificate = right,
  zone: Zone = ZONE,
  timeLimitMs?: number,
): Promise<{ readonly fetched: FetchedText; readonly asked: readonly string[] }> {
  const host = await TestHost.start(answer, certificate);
  const policies = new PolicyHost({
    resolver: await resolverOf(zone),
    tlsContext,
    port: host.port,
    ...(timeLimitMs === undefined ? {} : { timeLimitMs }),
  });
  return { fetched: await policies.fetch('a.test' as Domain), asked: host.asked };
}

describe('the host of a policy (R144, RFC 8461 §3.3)', () => {
  it('is asked by its name for the one path, and what it says is the policy', async () => {
    const { fetched, asked } = await fetchFrom(well);
    expect(fetched).toEqual({ kind: 'text', text: POLICY });
    expect(asked).toEqual([`GET https://${NAME}/.well-known/mta-sts.txt as ${NAME}`]);
  });

  it.each<[string, RegExp, Answering]>([
    [
      'another place',
      /answers 301$/,
      (_, response) => response.writeHead(301, { location: '/policy.txt' }).end(POLICY),
    ],
    ['nothing there', /answers 404$/, (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end()],
    [
      'no text',
      /answers with text\/html, not/,
      (_, response) => response.setHeader('content-type', 'text/html').end(POLICY),
    ],
    ['no type', /answers with no type, not/, (_, response) => response.writeHead(200).end(POLICY)],
    [
      'too much',
      /answers with more than 65536 octets$/,
      (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(65_537)),
    ],
    [
      'an end in the middle',
      /aborted|ECONNRESET|hang up/,
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1_000 });
        response.write(POLICY, () => response.destroy());
      },
    ],
    [
      'another protocol',
      /answers 101$/,
      ({ socket }) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: b\r\n\r\n'),
    ],
    ['no answer', /hang up|ECONNRESET/, (request) => request.socket.destroy()],
  ])('that answers with %s has none', async (_what, reason, answer) => {
    const { fetched, asked } = await fetchFrom(answer);
    expect(fetched).toEqual({
      kind: 'failure',
      result: 'sts-policy-fetch-error',
      reason: expect.stringMatching(reason),
    });
    expect(asked).toHaveLength(1);
  });

  it('may have 64 KiB and a type in capitals', async () => {
    const { fetched } = await fetchFrom((_, response) =>
      response.writeHead(200, { 'content-type': 'TEXT/Plain' }).end('x'.repeat(65_536)),
    );
    expect(fetched.kind === 'text' && fetched.text.length).toBe(65_536);
  });

  it.each<[string, RegExp, SelfSignedCertificate]>([
    ['self-signed', /self-signed$/, makeCertificate([NAME])],
    ['expired', /expired on/, issue([NAME], longAgo)],
    ['for another name', /wrong name: .*not for mta-sts\.a\.test$/, issue(['a.test', 'www.a.test'])],
  ])('whose certificate is %s is asked nothing', async (_what, reason, certificate) => {
    const { fetched, asked } = await fetchFrom(well, certificate);
    expect(fetched).toEqual({ kind: 'failure', result: 'sts-webpki-invalid', reason: expect.stringMatching(reason) });
    expect(asked).toEqual([]);
  });

  it('that is silent is given up, before and after it was asked', async () => {
    const silent = await fetchFrom(() => {}, right, ZONE, 500);
    expect(silent.fetched).toMatchObject({
      result: 'sts-policy-fetch-error',
      reason: expect.stringMatching(/within 0\.5 s$/),
    });
    const trickling: Answering = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const timer = setInterval(() => response.write('#'), 10);
      response.on('close', () => clearInterval(timer));
    };
    const slow = await fetchFrom(trickling, right, ZONE, 500);
    expect(slow.fetched).toMatchObject({ reason: expect.stringMatching(/within 0\.5 s$/) });
  });

  it('is reached at the next of its addresses', async () => {
    const zone = { [NAME]: { a: ['127.0.45.1', '127.0.0.1'] } };
    expect((await fetchFrom(well, right, zone)).fetched).toEqual({ kind: 'text', text: POLICY });
  });

  it.each<[string, RegExp, Zone]>([
    ['does not exist', /mta-sts\.a\.test has no address$/, {}],
    ['has no address', /mta-sts\.a\.test has no address$/, { [NAME]: { mx: [[0, 'mx.a.test']] } }],
    ['is not known to the DNS now', /addresses of mta-sts\.a\.test not known/, { [NAME]: { fault: 'servfail' } }],
    ['takes no connection', /ECONNREFUSED/, { [NAME]: { a: ['127.0.45.1', '127.0.45.2'] } }],
  ])('that %s has none', async (_what, reason, zone) => {
    const { fetched } = await fetchFrom(well, right, zone);
    expect(fetched).toMatchObject({ result: 'sts-policy-fetch-error', reason: expect.stringMatching(reason) });
  });
});
