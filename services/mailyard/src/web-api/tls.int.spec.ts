import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PASSWORD, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

const certificate = makeCertificate(['localhost']);
let folder: string;
let web: WebGateway;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mailyard-tls-'));
  await writeFile(join(folder, 'cert.pem'), certificate.cert);
  await writeFile(join(folder, 'key.pem'), certificate.key);
  web = await startWebGateway({
    'http.tls': { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') },
  });
  await web.users.set('ada', 'administrator', PASSWORD);
});
afterAll(async () => {
  await web.stop();
  await rm(folder, { recursive: true });
});

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A client that trusts this certificate and no other. */
function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): Promise<Answered> {
  const port = web.gateway.http.split(':').at(-1);
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, ca: certificate.cert, servername: 'localhost' };
    const sent = httpsRequest(options, (answer) => {
      let text = '';
      answer.on('data', (piece: Buffer) => (text += piece.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe('http.tls', () => {
  it('signs in over TLS with a cookie for TLS and this host alone, and tells browsers to stay with it', async () => {
    const origin = `https://${web.gateway.http}`;
    const own = { host: web.gateway.http, origin, 'content-type': 'application/json' };
    const credentials = JSON.stringify({ name: 'ada', password: PASSWORD });
    // The gateway looks at the file of users once a second, and takes only so many attempts.
    const signedIn = await vi.waitFor(
      async () => {
        const answer = await ask('POST', '/api/v1/session', own, credentials);
        expect(answer.status).toBe(200);
        return answer;
      },
      { interval: 300, timeout: 10_000 },
    );
    const cookie = signedIn.headers['set-cookie']![0]!;
    expect(cookie).toMatch(/^__Host-mailyard=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    expect(signedIn.headers['strict-transport-security']).toMatch(/^max-age=\d+/);
    const { csrfToken } = JSON.parse(signedIn.text) as { csrfToken: string };
    const session = { ...own, cookie: cookie.split(';', 1)[0]!, 'x-csrf-token': csrfToken };
    expect((await ask('GET', '/api/v1/overview', session)).status).toBe(200);
    // A page of the same host that came without TLS is another origin to browsers; its cookie has another name.
    const plain = { ...session, cookie: session.cookie.replace('__Host-', '') };
    expect((await ask('GET', '/api/v1/overview', plain)).status).toBe(401);
    expect((await ask('DELETE', '/api/v1/session', session)).status).toBe(204);
    expect((await ask('GET', '/api/v1/overview', session)).status).toBe(401);
  });

  it('serves the page, health and metrics over TLS alone', async () => {
    for (const path of ['/', '/healthz', '/readyz', '/metrics']) expect((await ask('GET', path)).status).toBe(200);
    await expect(
      new Promise((resolve, reject) => {
        httpRequest(`http://${web.gateway.http}/`, resolve).on('error', reject).end();
      }),
    ).rejects.toThrow();
  });

  it('speaks no TLS before 1.2', async () => {
    const [host, port] = web.gateway.http.split(':');
    const handshake = (maxVersion: 'TLSv1.1' | 'TLSv1.2'): Promise<string | null> =>
      new Promise((resolve, reject) => {
        const options = { host, port: Number(port), ca: certificate.cert, servername: 'localhost', maxVersion };
        const socket = connectTls({ ...options, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }, () => {
          resolve(socket.getProtocol());
          socket.destroy();
        });
        socket.on('error', reject);
      });
    expect(await handshake('TLSv1.2')).toBe('TLSv1.2');
    await expect(handshake('TLSv1.1')).rejects.toThrow();
  });
});

const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

describe('without TLS, off loopback', () => {
  it.skipIf(outside === undefined)('nobody signs in and no token is taken; health is told all the same', async () => {
    const tokens = [{ name: 'watcher', role: 'reader', token: { environment: 'TEST_TOKEN_READER' } }];
    const bare = await startWebGateway({ 'http.address': `${outside}:0`, 'grpc.tokens': tokens });
    try {
      const origin = `http://${bare.gateway.http}`;
      const signIn = await fetch(`${origin}/api/v1/session`, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'ada', password: PASSWORD }),
      });
      expect([signIn.status, ((await signIn.json()) as { code: string }).code]).toEqual([403, 'TLS_REQUIRED']);
      expect(signIn.headers.get('set-cookie')).toBeNull();
      const token = await fetch(`${origin}/api/v1/overview`, {
        headers: { authorization: `Bearer ${'r'.repeat(40)}` },
      });
      expect([token.status, ((await token.json()) as { code: string }).code]).toEqual([403, 'TLS_REQUIRED']);
      expect((await fetch(`${origin}/healthz`)).status).toBe(200);
    } finally {
      await bare.stop();
    }
  });
});
