import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documented, documentedCodes } from './openapi.suite.ts';
import { Browser, startWebGateway, type WebGateway } from './web-gateway.suite.ts';

let web: WebGateway;
beforeAll(async () => {
  web = await startWebGateway();
});
afterAll(() => web.stop());

/** Events without `follow` go on for ever. */
const filled = (path: string): string =>
  `${path.replace('{version}', '1').replaceAll(/\{[^}]+\}/g, 'ALL')}${path === '/api/v1/events' ? '?follow=false' : ''}`;
const ROLES = ['reader', 'operator', 'administrator'] as const;

describe('docs/reference/openapi.yaml', () => {
  it('names every operation of the server with its role, and no other', () => {
    const served = web.gateway.operations.map(({ method, path, role, body }) => ({
      method,
      path,
      role,
      body: body === 'json' ? 'application/json' : body === 'file' ? 'text/plain' : undefined,
    }));
    const order = (a: { path: string; method: string }, b: { path: string; method: string }): number =>
      `${a.path} ${a.method}` < `${b.path} ${b.method}` ? -1 : 1;
    expect(served.toSorted(order)).toEqual([...documented].sort(order));
  });

  it('lists every code that the API refuses with', () => {
    const source = readFileSync(
      join(import.meta.dirname, '../../../../services/admin/src/http/api-refusal.ts'),
      'utf8',
    );
    const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code);
    expect([...documentedCodes]).toEqual(codes);
  });
});

describe('every operation', () => {
  it('is closed to whoever has not signed in, unless it says otherwise', async () => {
    for (const { method, path, role, body } of documented) {
      if (role === 'public') continue;
      const stranger = new Browser(web.origin);
      const answer = await stranger.call(method, filled(path), body === undefined ? undefined : {});
      expect([method, path, answer.status]).toEqual([method, path, 401]);
    }
  });

  it.each(ROLES)('is open to a %s as far as the role reaches', async (role) => {
    const browser = await web.as(role);
    for (const { method, path, role: needed, body } of documented) {
      if (needed === 'public' || path.startsWith('/api/v1/session')) continue;
      const isEnough = ROLES.indexOf(role) >= ROLES.indexOf(needed as (typeof ROLES)[number]);
      const sent = body === undefined ? undefined : body === 'text/plain' ? '' : { wrong: true };
      const { status } = await browser.call(method, filled(path), sent);
      if (isEnough) expect([method, path, status], 'is let in').not.toEqual([method, path, 403]);
      else expect([method, path, status], 'is kept out').toEqual([method, path, 403]);
    }
  });

  it('that changes something needs the token of the session and an origin of its own', async () => {
    const browser = await web.as('administrator');
    for (const { method, path, role, body } of documented) {
      if (role === 'public' || method === 'GET') continue;
      const sent = body === undefined ? undefined : body === 'text/plain' ? '' : {};
      for (const [headers, code] of [
        [{ 'x-csrf-token': '' }, 'CSRF_TOKEN_WRONG'],
        [{ 'x-csrf-token': `${browser.csrfToken.slice(0, -1)}_` }, 'CSRF_TOKEN_WRONG'],
        [{ origin: 'https://evil.example' }, 'ORIGIN_FOREIGN'],
        [{ origin: 'null' }, 'ORIGIN_FOREIGN'],
        [{ origin: `${web.origin}0` }, 'ORIGIN_FOREIGN'],
      ] as const) {
        const answer = await browser.call(method, filled(path), sent, headers);
        expect([path, answer.status, answer.body.code]).toEqual([path, 403, code]);
      }
    }
    // The session is still there: nothing was done.
    expect((await browser.get('/session')).status).toBe(200);
  });

  it('takes no other method, and no other path is there', async () => {
    const browser = await web.as('administrator');
    expect(await browser.call('DELETE', '/api/v1/routes')).toMatchObject({
      status: 405,
      body: { code: 'METHOD_UNKNOWN' },
    });
    for (const path of ['/api/v1/', '/api/v2/routes', '/api/v1/routes/a/b', '/api/v1/__proto__', '/api/v1/routes/%C0'])
      expect((await browser.call('GET', path)).status).toBe(404);
  });

  it('refuses parameters and fields that it does not know', async () => {
    const browser = await web.as('administrator');
    for (const path of [
      '/routes?limit=0',
      '/routes?limit=x',
      '/routes?what=1',
      '/routes?limit=1&limit=2',
      '/routes?__proto__=1',
    ])
      expect((await browser.get(path)).status).toBe(400);
    expect((await browser.post('/pending/edits', { edits: [], __proto: 1 })).status).toBe(400);
    expect((await browser.call('POST', '/api/v1/pending/commit', '{"comment":"x"}')).status).toBe(400);
  });
});
