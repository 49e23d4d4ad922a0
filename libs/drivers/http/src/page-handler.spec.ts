import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { type PageFile, pageHandler } from './page-handler.ts';

const file = (content: string, isImmutable: boolean): PageFile => ({
  contentType: 'text/html; charset=utf-8',
  content: Buffer.from(content),
  gzipped: gzipSync(content),
  isImmutable,
});

let files: () => Promise<ReadonlyMap<string, PageFile>>;
const kept = new Map([
  ['/', file('<p>page', false)],
  ['/assets/main-ABCDEFGH.js', file('run()', true)],
]);
let server: HttpServer;

beforeAll(async () => {
  files = () => Promise.resolve(kept);
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    handlers: new Map(),
    rest: pageHandler(() => files()),
    report: () => undefined,
  });
});
afterAll(() => server.stop());

/** Sends a path as it stands: fetch would tidy it up. */
function raw(path: string): Promise<number> {
  const [host, port] = server.address.split(':');
  return new Promise((resolve, reject) => {
    request({ host, port, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

describe('page files', () => {
  it('come compressed, under a policy without exceptions, and as 304 when the browser has them', async () => {
    const first = await fetch(`http://${server.address}/`);
    expect(await first.text()).toBe('<p>page');
    expect(first.headers.get('content-encoding')).toBe('gzip');
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect(first.headers.get('content-security-policy')).not.toMatch(/unsafe|\*|http/);
    const tag = first.headers.get('etag')!;
    const again = await fetch(`http://${server.address}/`, { headers: { 'if-none-match': tag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const plain = await fetch(`http://${server.address}/`, { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
  });

  it('are kept for good when their name changes with their content', async () => {
    const answer = await fetch(`http://${server.address}/assets/main-ABCDEFGH.js`);
    expect(answer.headers.get('cache-control')).toContain('immutable');
  });

  it('are all there is, however a path is spelled', async () => {
    for (const path of [
      '/../package.json',
      '/..%2f..%2fetc/passwd',
      '/assets/../../package.json',
      '/assets/%2e%2e/%2e%2e/etc/passwd',
      '//etc/passwd',
      '/assets\\..\\x',
      '/%00',
      '/__proto__',
      '/assets/',
    ])
      expect(await raw(path)).toBe(404);
    expect((await fetch(`http://${server.address}/`, { method: 'POST' })).status).toBe(405);
  });

  it('answer 503 while they cannot be made', async () => {
    files = () => Promise.reject(new Error('no bundler'));
    expect((await fetch(`http://${server.address}/`)).status).toBe(503);
    files = () => Promise.resolve(kept);
  });
});
