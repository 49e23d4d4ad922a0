import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { SmtpSink } from './smtp-sink.ts';

let sink: SmtpSink | undefined;
afterEach(async () => sink?.stop());

/** Writes all of the dialog at once and reads until the sink closes. */
async function talk(text: string, latin1 = false): Promise<string> {
  const socket = connect(sink!.port, '127.0.0.1');
  socket.write(text, latin1 ? 'latin1' : 'utf8');
  return readAll(socket);
}

async function readAll(socket: Socket): Promise<string> {
  let read = '';
  socket.on('data', (chunk: Buffer) => {
    read += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return read;
}

const MESSAGE = 'EHLO a.test\r\nMAIL FROM:<a@a.test> SIZE=9\r\nRCPT TO:<b@b.test>\r\nDATA\r\n';

describe('SmtpSink', () => {
  it('keeps the envelope and the content without stuffed dots', async () => {
    sink = await SmtpSink.start();
    const replies = await talk(`${MESSAGE}..\r\n.x\r\n\r\n..y\r\n.\r\nQUIT\r\n`);
    expect(replies).toMatch(/^220 .*250 2\.0\.0 Ok: taken\r\n221 2\.0\.0 Bye\r\n$/s);
    expect(sink.messages).toEqual([
      {
        session: 1,
        client: { address: '127.0.0.1', port: expect.any(Number) },
        helo: 'a.test',
        secure: false,
        username: undefined,
        reversePath: 'a@a.test',
        mailParameters: ['SIZE=9'],
        recipients: [{ forwardPath: 'b@b.test', parameters: [] }],
        content: Buffer.from('.\r\nx\r\n\r\n.y\r\n'),
        sizeOctets: 12,
      },
    ]);
    expect([sink.connections, sink.transactions, sink.accepted, sink.recipients]).toEqual([1, 1, 1, 1]);
  });

  it.each(['\n.\n', '\r.\r', '\r\n.\n', '\n.\r\n', '\r\n.\r'])('does not end a message at %j', async (end) => {
    sink = await SmtpSink.start();
    await talk(`${MESSAGE}x${end}y\r\n.\r\nQUIT\r\n`, true);
    expect(sink.messages).toHaveLength(1);
    expect(sink.messages[0]?.content.toString('latin1').endsWith('y\r\n')).toBe(true);
  });

  it('finds the end of data wherever the stream is cut', async () => {
    sink = await SmtpSink.start();
    const socket = connect(sink.port, '127.0.0.1');
    socket.setNoDelay(true);
    const reading = readAll(socket);
    for (const octet of `${MESSAGE}a\r\n..b\r\n.\r\n`) {
      socket.write(octet);
      await new Promise(setImmediate);
    }
    await sink.until(({ accepted }) => accepted === 1);
    socket.end('QUIT\r\n');
    await reading;
    expect(sink.messages[0]?.content.toString()).toBe('a\r\n.b\r\n');
  });

  it('answers as it is told at each step', async () => {
    const seen: string[] = [];
    sink = await SmtpSink.start({
      onStep: async ({ step, session, rcptCount }) => {
        seen.push(step);
        if (step === 'connect') return { reply: '220-one\r\n220 two', trickleMs: 0 };
        if (step === 'rcpt' && rcptCount === 1) return '550 5.1.1 No such user';
        if (step === 'dot') return { end: 'close' };
        return session === 0 ? { end: 'hang' } : undefined;
      },
    });
    const replies = await talk(`${MESSAGE.replace('DATA', 'RCPT TO:<c@b.test>\r\nDATA')}x\r\n.\r\n`);
    expect(replies).toMatch(/^220-one\r\n220 two\r\n250-.*\r\n550 5\.1\.1 No such user\r\n250 .*\r\n354 [^\n]*\n$/s);
    expect(seen).toEqual(['connect', 'ehlo', 'mail', 'rcpt', 'rcpt', 'data', 'dot']);
    expect(sink.accepted).toBe(0);
  });

  it('speaks TLS with a certificate of its own', async () => {
    sink = await SmtpSink.start({ tls: true, keep: 'envelope' });
    const plain = connect(sink.port, '127.0.0.1');
    plain.write('EHLO a.test\r\n');
    await once(plain, 'data');
    await once(plain, 'data');
    plain.write('STARTTLS\r\n');
    await once(plain, 'data');
    const secure = connectTls({ socket: plain, ca: sink.certificate!.cert, servername: 'localhost' });
    secure.write(`${MESSAGE}x\r\n.\r\nQUIT\r\n`);
    await readAll(secure);
    expect(secure.authorizationError).toBeFalsy();
    expect(sink.messages).toMatchObject([{ secure: true, sizeOctets: 3, content: Buffer.alloc(0) }]);
  });
});
