import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { reply } from '@mailyard/mail';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { afterEach, describe, expect, it } from 'vitest';
import type { InjectionHandler, ReceiverOptions } from './handler.ts';
import { type Receiver, startReceiver } from './receiver.ts';

let receiver: Receiver;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await receiver.stop(0);
});

const ok = reply(250, '2.0.0', 'Ok');

/** Takes everything; `gate` holds back the reply to content. */
function takeAll(gate: () => Promise<void> | undefined = () => undefined): InjectionHandler {
  return {
    connect: () => ({ code: 220, text: '' }),
    closed: () => undefined,
    mail: () => ({
      rcpt: () => ok,
      content: () => ({
        write: () => undefined,
        end: () => gate()?.then(() => ok) ?? ok,
        abort: () => undefined,
      }),
      reset: () => undefined,
    }),
  };
}

async function listen(options: Partial<ReceiverOptions> = {}, handler = takeAll()): Promise<number> {
  let icid = 0;
  receiver = await startReceiver(
    '127.0.0.1',
    0,
    {
      hostname: 'mx.example',
      maxMessageOctets: 10_000_000,
      maxRecipients: 100,
      maxConnections: 10,
      maxConnectionsPerClient: 10,
      maxErrors: 20,
      commandTimeoutMs: 60_000,
      contentTimeoutMs: 60_000,
      nextIcid: () => String(++icid),
      ...options,
    },
    handler,
  );
  return receiver.address.port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}

const MESSAGE = 'EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@x.example>\r\nDATA\r\nx\r\n.\r\n';

describe('an injection connection', () => {
  it('is counted out when it ended under TLS', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({ tls: { certificate, key } });
    const socket = await dial(port);
    socket.write('EHLO c\r\nSTARTTLS\r\n');
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    await untilTrue(() => text.includes('220 2.0.0'));
    socket.removeAllListeners('data');
    const secured = connectTls({ socket, rejectUnauthorized: false });
    await once(secured, 'secureConnect');
    expect(receiver.connections).toBe(1);
    secured.end();
    await untilTrue(() => receiver.connections === 0);
  });

  it('is cut when its TLS handshake never ends', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({ tls: { certificate, key }, commandTimeoutMs: 50 });
    const socket = await dial(port);
    socket.write('EHLO c\r\nSTARTTLS\r\n');
    socket.resume();
    await untilTrue(() => receiver.connections === 0);
  });

  it('is cut though it goes on sending behind its dismissal', async () => {
    const port = await listen({ maxErrors: 1 });
    const socket = await dial(port);
    socket.resume();
    socket.write('JUNK\r\n');
    const flood = setInterval(() => socket.write('NOOP\r\n'), 20);
    await untilTrue(() => receiver.connections === 0);
    clearInterval(flood);
  });

  it('is timed out though it sends an octet now and then', async () => {
    const port = await listen({ commandTimeoutMs: 100 });
    const socket = await dial(port);
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    const trickle = setInterval(() => socket.write('N'), 20);
    await untilTrue(() => text.includes('421 4.4.2'));
    clearInterval(trickle);
  });

  it('gets its replies though it has closed its side, also from a handler that answers later', async () => {
    const port = await listen(
      {},
      takeAll(() => wait(30)),
    );
    const socket = await dial(port);
    let text = '';
    socket.on('data', (data: Buffer) => (text += data.toString()));
    socket.end(MESSAGE);
    await once(socket, 'end');
    expect(text).toMatch(/354 .*\r\n250 2\.0\.0 Ok\r\n$/);
  });

  it('is not read from while it does not read', async () => {
    const port = await listen();
    const socket = await dial(port);
    socket.pause();
    // Each command earns a reply; a server that went on reading would take all of them and keep the replies.
    socket.write('EHLO c\r\n');
    const lines = Buffer.from('MAIL FROM:<>\r\nRSET\r\n'.repeat(20_000));
    let refused = false;
    for (let i = 0; i < 200 && !refused; i++) {
      refused = !socket.write(lines);
      await wait(1);
    }
    expect(refused).toBe(true);
  });

  it('holds a bounded part of what comes while the handler thinks', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const port = await listen(
      {},
      takeAll(() => promise),
    );
    const socket = await dial(port);
    socket.resume();
    socket.write(MESSAGE);
    const flood = Buffer.alloc(1_048_576, 'NOOP\r\n');
    let refused = false;
    for (let i = 0; i < 64 && !refused; i++) {
      refused = !socket.write(flood);
      if (refused) await Promise.race([once(socket, 'drain').then(() => (refused = false)), wait(200)]);
    }
    expect(refused).toBe(true);
    resolve();
  });
});
