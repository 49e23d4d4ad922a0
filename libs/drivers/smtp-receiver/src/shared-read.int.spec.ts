import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readShared } from './shared-read.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** A server whose connections read shared; what each of them got, copied at once. */
async function listen(): Promise<{
  port: number;
  got: Buffer[][];
  memory: Set<ArrayBufferLike>;
  served: Socket[];
  closed: Promise<unknown>;
}> {
  const got: Buffer[][] = [];
  const memory = new Set<ArrayBufferLike>();
  const served: Socket[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
    const mine: Buffer[] = [];
    got.push(mine);
    const socket = readShared(accepted, (octets) => {
      memory.add(octets.buffer);
      mine.push(Buffer.from(octets));
    });
    if (socket === undefined) throw new Error('this Node does not let connections share a buffer');
    served.push(socket);
    socket.once('end', () => {
      socket.end('bye');
      server.close();
    });
    socket.resume();
  });
  ends.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, got, memory, served, closed: once(server, 'close') };
}

describe('shared reading', () => {
  it('gives each connection its own octets, all in one buffer', async () => {
    const { port, got, memory, closed } = await listen();
    const clients = [1, 2, 3].map((letter) => {
      const socket = connect(port, '127.0.0.1').resume();
      ends.push(() => socket.destroy());
      for (let turn = 0; turn < 50; turn++) socket.write(Buffer.alloc(10_000, letter));
      return socket;
    });
    for (const client of clients) client.end();
    // The server is closed only when it has counted out all its connections.
    await closed;
    const whole = got.map((pieces) => Buffer.concat(pieces)).sort((a, b) => a[0]! - b[0]!);
    expect(whole.map((octets) => octets.equals(Buffer.alloc(500_000, octets[0])))).toEqual([true, true, true]);
    expect(whole.map((octets) => octets[0])).toEqual([1, 2, 3]);
    expect(memory.size).toBe(1);
  });

  it('writes, half-closes and pauses like any socket', async () => {
    const { port, got, served, closed } = await listen();
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    ends.push(() => client.destroy());
    let said = '';
    client.setEncoding('latin1').on('data', (text: string) => (said += text));
    client.write('a');
    while (got[0]?.length !== 1) await new Promise((resolve) => setImmediate(resolve));
    served[0]!.pause();
    client.end('b');
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(got[0]!.join('')).toBe('a');
    served[0]!.resume();
    await closed;
    expect(got[0]!.join('')).toBe('ab');
    if (!client.readableEnded) await once(client, 'end');
    expect(said).toBe('bye');
  });
});
