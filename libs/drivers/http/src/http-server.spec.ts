import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Dependency, healthHandlers } from './health.ts';
import { type HttpHandler, type HttpServer, startHttpServer } from './http-server.ts';

let server: HttpServer | undefined;
const reported: unknown[] = [];
afterEach(async () => {
  await server?.stop();
  server = undefined;
  reported.length = 0;
});

async function serve(handlers: ReadonlyMap<string, HttpHandler>): Promise<string> {
  server = await startHttpServer({ host: '127.0.0.1', port: 0, handlers, report: (error) => reported.push(error) });
  return `http://${server.address}`;
}

describe('HTTP server', () => {
  it('answers what it has, to those who read, and lets nothing be run or framed', async () => {
    const url = await serve(healthHandlers([]));
    const answer = await fetch(`${url}/healthz?x=1`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ok\n']);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/__proto__`)).status).toBe(404);
  });

  it('names each dependency and is ready when all are', async () => {
    let problem: string | undefined = 'no quorum';
    const dependencies: Dependency[] = [
      { name: 'queue log', check: () => problem },
      { name: 'body store', check: () => (problem === undefined ? undefined : Promise.reject(new Error('403'))) },
      { name: 'configuration', check: () => undefined },
    ];
    const url = await serve(healthHandlers(dependencies));
    const not = await fetch(`${url}/readyz`);
    expect(not.status).toBe(503);
    expect(await not.json()).toEqual({
      ready: false,
      dependencies: {
        'queue log': { ready: false, detail: 'no quorum' },
        'body store': { ready: false, detail: '403' },
        configuration: { ready: true },
      },
    });
    problem = undefined;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  it('keeps to itself what a handler threw', async () => {
    const url = await serve(new Map([['/x', () => Promise.reject(new Error('secret'))]]));
    const answer = await fetch(`${url}/x`);
    expect([answer.status, await answer.text()]).toEqual([500, 'internal error; the log has more\n']);
    expect(reported).toHaveLength(1);
  });

  it('is not shut by connections over which nothing whole comes, and goes on with what it answers', async () => {
    const [begun, answering] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const url = await serve(
      new Map<string, HttpHandler>([
        ...healthHandlers([]),
        [
          '/slow',
          (_request, response) => {
            begun.resolve();
            return answering.promise.then(() => void response.end('here'));
          },
        ],
      ]),
    );
    const slow = fetch(`${url}/slow`);
    await begun.promise;
    const { hostname, port } = new URL(url);
    const starts = ['', 'GET /healthz HTTP/1.1\r\n', 'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{'];
    const sockets = Array.from({ length: 300 }, (_, number) => {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      socket.write(starts[number % starts.length]!);
      return socket;
    });
    try {
      await vi.waitFor(() => expect(sockets.every(({ connecting }) => !connecting)).toBe(true), 20_000);
      const told = await fetch(`${url}/healthz`, { headers: { Connection: 'close' } });
      expect(told.status).toBe(200);
      answering.resolve();
      expect(await (await slow).text()).toBe('here');
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  it('says whose address is taken', async () => {
    await serve(new Map());
    const port = Number(server!.address.split(':')[1]);
    await expect(
      startHttpServer({ host: '127.0.0.1', port, handlers: new Map(), report: () => undefined }),
    ).rejects.toMatchObject({ code: 'HTTP_ADDRESS_TAKEN' });
  });
});
