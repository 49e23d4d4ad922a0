import { connect } from 'node:net';
import { startHttpServer } from '@mailyard/http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiServer } from './api-server.ts';
import { Gate } from './gate.ts';
import { Sessions } from './sessions.ts';
import { UserFile } from './user-file.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A server whose one operation sends without an end. */
async function serveEndless(unreadMs: number) {
  const seen = { pieces: 0, isDone: false, reported: [] as unknown[] };
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        seen.pieces += 1;
        yield new Uint8Array(100_000);
      }
    } finally {
      seen.isDone = true;
    }
  }
  const gate = new Gate({
    users: new UserFile('/nonexistent/users.json'),
    sessions: new Sessions(),
    tokens: { findBearer: () => ({ name: 'rita', role: 'reader' }) },
    isProxied: false,
    now: Date.now,
  });
  const report = (error: unknown): unknown => seen.reported.push(error);
  const operation = { method: 'GET', path: '/api/v1/endless', role: 'reader' } as const;
  const api = new ApiServer([{ ...operation, handle: () => ({ octets: endless() }) }], gate, report, unreadMs);
  const handlers = new Map([[operation.path, api.handler]]);
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, handlers, report });
  open.push(() => server.stop());
  return { seen, port: Number(server.address.split(':')[1]) };
}

/** A client that asks and reads nothing by itself. */
function ask(port: number) {
  const socket = connect(port, '127.0.0.1');
  open.push(() => socket.destroy());
  socket.pause().on('error', () => undefined);
  socket.write('GET /api/v1/endless HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n');
  return socket;
}

describe('a stream of the API', () => {
  it('is cut when nobody reads it, and its source let go of', async () => {
    const { seen, port } = await serveEndless(300);
    ask(port);
    await vi.waitFor(() => expect(seen.isDone).toBe(true), 20_000);
    expect(seen.reported).toEqual([]);
  });

  it('waits for a reader that rests for less', async () => {
    const { seen, port } = await serveEndless(600_000);
    const socket = ask(port);
    let pieces = 0;
    // Sent as far as there is room.
    await vi.waitFor(() => {
      const more = seen.pieces - pieces;
      pieces = seen.pieces;
      if (more > 0 || pieces === 0) throw new Error('it goes on');
    }, 20_000);
    socket.resume();
    await vi.waitFor(() => expect(seen.pieces).toBeGreaterThan(pieces + 100), 20_000);
    expect(seen.isDone).toBe(false);
  });
});
