import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, PASSWORD, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

let web: WebGateway;
beforeAll(async () => {
  web = await startWebGateway({
    'grpc.tokens': [
      { name: 'watcher', role: 'reader', token: { environment: 'TEST_TOKEN_READER' } },
      { name: 'robot', role: 'administrator', token: { environment: 'TEST_TOKEN_ADMINISTRATOR' } },
    ],
  });
});
afterAll(() => web.stop());

const bearer = (letter: string) => ({ authorization: `Bearer ${letter.repeat(40)}` });

describe('the first administrator', () => {
  it('is made once, by whoever reads the code that the start prints', async () => {
    const stranger = new Browser(web.origin);
    expect((await stranger.get('/session')).body.code).toBe('FIRST_ADMINISTRATOR_NEEDED');
    const make = (code: string, password = PASSWORD) =>
      stranger.post('/first-administrator', { code, name: 'first', password });
    expect((await make('AAAA-BBBB-CCCC')).status).toBe(401);
    expect((await make(web.gateway.firstCode!, 'short')).status).toBe(400);
    const made = await make(web.gateway.firstCode!.toLowerCase().replaceAll('-', ' '));
    expect(made).toMatchObject({ status: 201, body: { user: 'first', role: 'administrator' } });
    expect((await make(web.gateway.firstCode!)).status).toBe(409);
    expect((await new Browser(web.origin).get('/session')).body.code).toBe('SIGN_IN_NEEDED');
  });
});

describe('signing in', () => {
  it('gives a cookie that no script reads and no other site sends', async () => {
    const browser = new Browser(web.origin);
    const { headers } = await browser.post('/session', { name: 'first', password: PASSWORD });
    expect(headers.get('set-cookie')).toMatch(/^mailyard=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('takes no session id that the browser brings, and ends the one that it had', async () => {
    const planted = `mailyard=${'A'.repeat(43)}`;
    const browser = new Browser(web.origin);
    browser.cookie = planted;
    await browser.signIn('first');
    expect(browser.cookie).not.toBe(planted);
    const old = new Browser(web.origin);
    old.cookie = browser.cookie;
    await browser.signIn('first');
    expect((await old.get('/session')).status).toBe(401);
    expect((await browser.get('/session')).status).toBe(200);
  });

  it('says the same of a wrong name and a wrong password, and takes as long', async () => {
    await web.as('reader', 'known');
    const attempt = async (name: string): Promise<[number, unknown, number]> => {
      const began = performance.now();
      const { status, body } = await new Browser(web.origin).post('/session', { name, password: 'not this one' });
      return [status, body, performance.now() - began];
    };
    const [known, unknown] = [await attempt('known'), await attempt('nobody')];
    expect(known.slice(0, 2)).toEqual(unknown.slice(0, 2));
    expect(known[0]).toBe(401);
    expect(unknown[2]).toBeGreaterThan(known[2] / 4);
  });

  it('makes whoever guesses wait ever longer, also when many guesses are sent at once', async () => {
    const guess = () => new Browser(web.origin).post('/session', { name: 'guessed', password: 'x' });
    const statuses = (await Promise.all(Array.from({ length: 12 }, guess))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(5);
    const late = await guess();
    expect(late.status).toBe(429);
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  });

  it('is refused from another site', async () => {
    const answer = await new Browser(web.origin).post(
      '/session',
      { name: 'first', password: PASSWORD },
      { origin: 'https://evil.example' },
    );
    expect(answer.body.code).toBe('ORIGIN_FOREIGN');
  });
});

describe('a session', () => {
  it('ends when its user signs out', async () => {
    const browser = await web.as('operator', 'leaving');
    const copy = new Browser(web.origin);
    copy.cookie = browser.cookie;
    const out = await browser.call('DELETE', '/api/v1/session');
    expect(out.headers.get('set-cookie')).toMatch(/Max-Age=0/);
    expect((await copy.get('/session')).status).toBe(401);
  });

  it('goes on alone when the password is changed, and the others end', async () => {
    const [one, other] = [await web.as('reader', 'changing'), await web.as('reader', 'changing')];
    expect(
      (await one.call('PUT', '/api/v1/session/password', { current: 'wrong', password: 'x'.repeat(12) })).status,
    ).toBe(401);
    const next = 'another horse battery';
    const changed = await one.call('PUT', '/api/v1/session/password', { current: PASSWORD, password: next });
    expect(changed.status).toBe(204);
    expect((await one.get('/session')).status).toBe(200);
    expect((await other.get('/session')).status).toBe(401);
    await new Browser(web.origin).signIn('changing', next);
  });

  it('ends soon after its user is removed from the file', async () => {
    const browser = await web.as('reader', 'removed');
    await web.users.remove('removed');
    let status = 200;
    for (const until = performance.now() + 10_000; status === 200 && performance.now() < until; await sleep(100))
      ({ status } = await browser.get('/session'));
    expect(status).toBe(401);
  });
});

describe('bearer tokens', () => {
  it('are those of gRPC, with their roles, and need no token of a session', async () => {
    const program = new Browser(web.origin);
    expect((await program.get('/session', bearer('r'))).body).toEqual({
      user: 'watcher',
      role: 'reader',
      csrfToken: '',
    });
    expect((await program.call('DELETE', '/api/v1/pending', undefined, { ...bearer('a'), origin: '' })).status).toBe(
      204,
    );
    expect((await program.call('DELETE', '/api/v1/pending', undefined, bearer('r'))).status).toBe(403);
    for (const authorization of ['Bearer x', 'Basic YTpi', `Bearer ${'a'.repeat(39)}`])
      expect((await program.get('/session', { authorization })).body.code).toBe('TOKEN_UNKNOWN');
  });
});

describe('what is sent', () => {
  it('is not taken beyond its limit, compressed, or of another type', async () => {
    const browser = await web.as('administrator', 'sender');
    const headers = {
      cookie: browser.cookie,
      origin: web.origin,
      'x-csrf-token': browser.csrfToken,
      'content-type': 'application/json',
    };
    const path = '/api/v1/pending/edits';
    expect(await web.raw('POST', path, headers, Buffer.alloc(1_048_577, 32))).toBe(413);
    expect(
      await web.raw('POST', path, { ...headers, 'transfer-encoding': 'chunked' }, Buffer.alloc(1_100_000, 32)),
    ).toBe(413);
    expect(await web.raw('POST', path, { ...headers, 'content-encoding': 'gzip' }, 'x')).toBe(400);
    expect(await web.raw('POST', path, { ...headers, 'content-type': 'text/plain' }, '{}')).toBe(400);
    expect(await web.raw('POST', path, headers, Buffer.from([0x7b, 0xff, 0x7d]))).toBe(400);
    expect(await web.raw('POST', path, headers, '['.repeat(500_000))).toBe(400);
    expect((await browser.get('/session')).status).toBe(200);
  });

  it('slowly holds one connection and nothing else', async () => {
    const [host, port] = web.gateway.http.split(':');
    const slow = connect(Number(port), host);
    slow.write(
      'POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
    );
    const browser = await web.as('reader');
    expect((await browser.get('/overview')).status).toBe(200);
    slow.destroy();
  });
});

describe('behind a proxy that speaks TLS', () => {
  it('the cookie is for TLS and this host alone, and guesses are counted by where the proxy saw them come from', async () => {
    const proxied = await startWebGateway({ 'http.proxied': true });
    try {
      await proxied.as('reader', 'known');
      const browser = new Browser(proxied.origin);
      const { headers } = await browser.post('/session', { name: 'known', password: PASSWORD });
      expect(headers.get('set-cookie')).toMatch(
        /^__Host-mailyard=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      );
      const from = (address: string, name: string) =>
        browser.post('/session', { name, password: 'x' }, { 'x-forwarded-for': `10.0.0.1, ${address}` });
      for (let guess = 0; guess < 10; guess++) await from('192.0.2.1', `n${guess}`);
      expect((await from('192.0.2.1', 'other')).status).toBe(429);
      expect((await from('192.0.2.2', 'other')).status).toBe(401);
    } finally {
      await proxied.stop();
    }
  });
});
