import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Reply, reply } from '@mailyard/mail';
import { makeCertificate } from '@mailyard/testkit/certificate';
import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';
import type { InjectionHandler, ReceiverOptions } from './handler.ts';
import { type Receiver, startReceiver } from './receiver.ts';

interface Taken {
  readonly reversePath: string | null;
  readonly recipients: readonly string[];
  readonly content: string;
}

const taken: Taken[] = [];
const aborted: string[] = [];
let receiver: Receiver | undefined;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await receiver?.stop(0);
  receiver = undefined;
  taken.length = 0;
  aborted.length = 0;
});

/** Takes everything but recipients called `no`; answers later when asked to. */
function handler(later = false): InjectionHandler {
  const answer = (value: Reply): Reply | Promise<Reply> =>
    later ? new Promise((resolve) => setImmediate(resolve, value)) : value;
  return {
    connect: () => answer({ code: 220, text: 'ready' }),
    closed: () => undefined,
    judge: (_session, evidence) =>
      answer(
        evidence.name === 'ada' && 'password' in evidence && evidence.password === 'open sesame'
          ? reply(235, '2.7.0', 'Welcome')
          : reply(535, '5.7.8', 'Wrong'),
      ),
    mail(_session, { reversePath }) {
      const recipients: string[] = [];
      return {
        rcpt({ forwardPath }) {
          if (forwardPath.localPart === 'no') return answer(reply(550, '5.1.1', 'no such user'));
          recipients.push(forwardPath.address);
          return answer(reply(250, '2.1.5', 'Ok'));
        },
        content() {
          const pieces: Buffer[] = [];
          return {
            write: (piece) => void pieces.push(Buffer.from(piece)),
            end() {
              taken.push({
                reversePath: reversePath?.address ?? null,
                recipients,
                content: Buffer.concat(pieces).toString('latin1'),
              });
              return answer(reply(250, '2.0.0', 'Ok: queued'));
            },
            abort: () => void aborted.push(reversePath?.address ?? ''),
          };
        },
        reset: () => undefined,
      };
    },
  };
}

async function listen(options: Partial<ReceiverOptions> = {}, later = false): Promise<number> {
  let icid = 0;
  const usual: ReceiverOptions = {
    hostname: 'mx.example',
    maxMessageOctets: 1_000_000,
    maxRecipients: 3,
    maxConnections: 10,
    maxConnectionsPerClient: 10,
    maxErrors: 20,
    commandTimeoutMs: 60_000,
    contentTimeoutMs: 60_000,
    nextIcid: () => String(++icid),
  };
  receiver = await startReceiver('127.0.0.1', 0, { ...usual, ...options }, handler(later));
  return receiver.address.port;
}

/** Sends chunks as they are, then reads until the server closes. */
async function converse(port: number, ...chunks: string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  sockets.push(socket);
  let text = '';
  socket.setEncoding('latin1').on('data', (data: string) => (text += data));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  for (const chunk of chunks) {
    socket.write(Buffer.from(chunk, 'latin1'));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (!socket.closed) await once(socket, 'close');
  return text;
}

const codes = (text: string): string =>
  text
    .split('\r\n')
    .flatMap((line) => /^(\d{3}) /.exec(line)?.[1] ?? [])
    .join(' ');
const ENVELOPE = 'EHLO c.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@x.example>\r\n';

describe.each([
  ['that answers at once', false],
  ['that answers later', true],
])('a receiver with a handler %s', (_name, later) => {
  it('takes a pipelined message in any cut, once', async () => {
    const port = await listen({}, later);
    const wire = `${ENVELOPE}RCPT TO:<no@x.example>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n`;
    for (const cut of [0, 1, 40, 70, 100, 118, 125, wire.length - 8, wire.length - 7, wire.length - 1]) {
      expect(codes(await converse(port, wire.slice(0, cut), wire.slice(cut)))).toBe('220 250 250 250 550 354 250 221');
    }
    expect(taken.length).toBe(10);
    expect(new Set(taken.map((message) => JSON.stringify(message))).size).toBe(1);
    expect(taken[0]).toEqual({
      reversePath: 'a@b.example',
      recipients: ['u@x.example'],
      content: 'Subject: x\r\n\r\n.dot\r\n',
    });
  });

  it('takes mail from nodemailer', async () => {
    const port = await listen({}, later);
    const client = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
    await client.sendMail({
      envelope: { from: '', to: ['u@x.example'] },
      raw: `Subject: y\r\n\r\n${'z'.repeat(200_000)}\r\n`,
    });
    client.close();
    expect(taken[0]?.reversePath).toBe(null);
    expect(taken[0]?.content.length).toBe(200_016);
  });
});

describe('a receiver', () => {
  it.each([
    ['\\n.\\n', 'a\n.\nMAIL FROM:<x@y.example>\r\n.\r\n'],
    ['\\r.\\r', 'a\r.\rMAIL FROM:<x@y.example>\r\n.\r\n'],
    ['\\r\\n.\\n', 'a\r\n.\nMAIL FROM:<x@y.example>\r\n.\r\n'],
    ['\\n.\\r\\n', 'a\n.\r\nMAIL FROM:<x@y.example>\r\n.\r\n'],
    ['\\r\\n.\\r', 'a\r\n.\rMAIL FROM:<x@y.example>\r\n.\r\n'],
  ])('refuses a bare line end in content with 550 and closes: %s', async (_name, content) => {
    const port = await listen();
    expect(codes(await converse(port, `${ENVELOPE}DATA\r\n`, content))).toBe('220 250 250 250 354 550');
    expect(taken).toEqual([]);
    expect(aborted).toEqual(['a@b.example']);
  });

  it.each([
    ['a bare LF', 'EHLO c.example\nMAIL FROM:<a@b.example>\r\n', '220 500'],
    ['NUL', 'EHLO c\0.example\r\nNOOP\r\n', '220 500'],
    ['a line of 5,000 octets', `EHLO ${'a'.repeat(5000)}\r\n`, '220 500'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '220 421'],
  ])('closes on %s in a command', async (_name, wire, expected) => {
    const port = await listen();
    expect(codes(await converse(port, wire))).toBe(expected);
  });

  it.each([
    ['an unknown command', 'FROB\r\n', 500],
    ['MAIL before EHLO', 'MAIL FROM:<a@b.example>\r\n', 503],
    ['an eight-bit HELO name', 'EHLO \xc3\xa9.example\r\n', 501],
    ['RCPT before MAIL', 'EHLO c\r\nRCPT TO:<u@x.example>\r\n', 503],
    ['a second MAIL', `${ENVELOPE}MAIL FROM:<a@b.example>\r\n`, 503],
    ['DATA without a recipient', 'EHLO c\r\nMAIL FROM:<a@b.example>\r\nDATA\r\n', 554],
    ['an unknown parameter', 'EHLO c\r\nMAIL FROM:<a@b.example> FOO=1\r\n', 555],
    ['a hexadecimal SIZE', 'EHLO c\r\nMAIL FROM:<a@b.example> SIZE=0x10\r\n', 501],
    ['a SIZE above the limit', 'EHLO c\r\nMAIL FROM:<a@b.example> SIZE=1000001\r\n', 552],
    ['non-ASCII without SMTPUTF8', 'EHLO c\r\nMAIL FROM:<\xc3\xa9@b.example>\r\n', 553],
    ['what is not UTF-8', 'EHLO c\r\nMAIL FROM:<\xe9@b.example> SMTPUTF8\r\n', 500],
    ['a fourth recipient of three', `${ENVELOPE}${'RCPT TO:<u@x.example>\r\n'.repeat(3)}`, 452],
    ['a null recipient', 'EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\n', 501],
    ['AUTH', 'EHLO c\r\nAUTH PLAIN AHgAeA==\r\n', 502],
  ])('answers %s with %i and goes on', async (_name, wire, code) => {
    const port = await listen();
    const text = await converse(port, `${wire}QUIT\r\n`);
    expect(codes(text).split(' ').slice(-2)).toEqual([String(code), '221']);
    expect(text.split('\r\n').at(-3)).toMatch(/^\d{3} \d\.\d{1,3}\.\d{1,3} /);
  });

  it('takes <postmaster>, quoted local parts and SMTPUTF8', async () => {
    const port = await listen();
    const wire =
      'EHLO c\r\nMAIL FROM:<\xc3\xa9@b.example> SMTPUTF8\r\nRCPT TO:<postmaster>\r\nRCPT TO:<"a b"@x.example>\r\nDATA\r\n.\r\nQUIT\r\n';
    expect(codes(await converse(port, wire))).toBe('220 250 250 250 250 354 250 221');
    expect(taken[0]).toMatchObject({
      reversePath: '\u00e9@b.example',
      recipients: ['postmaster', '"a b"@x.example'],
      content: '',
    });
  });

  it('reads content above the limit to its end, keeps none of it and stays usable (RFC 1870 §6.3)', async () => {
    const port = await listen({ maxMessageOctets: 1000 });
    const text = await converse(port, `${ENVELOPE}DATA\r\n`, `${'a'.repeat(5000)}\r\n.\r\nNOOP\r\nQUIT\r\n`);
    expect(codes(text)).toBe('220 250 250 250 354 552 250 221');
    expect([taken.length, aborted.length]).toEqual([0, 1]);
  });

  it('closes after too many errors', async () => {
    const port = await listen({ maxErrors: 3 });
    expect(codes(await converse(port, 'A\r\nB\r\nC\r\nD\r\n'))).toBe('220 500 500 500 421');
  });

  it('refuses connections above its limits with 421', async () => {
    const port = await listen({ maxConnectionsPerClient: 1 });
    const first = connect(port, '127.0.0.1');
    sockets.push(first);
    await once(first, 'data');
    expect(codes(await converse(port))).toBe('421');
  });

  it('closes with 421 on a client that says nothing', async () => {
    const port = await listen({ commandTimeoutMs: 1 });
    expect(codes(await converse(port))).toBe('220 421');
  });

  it('drops what was injected behind STARTTLS (CVE-2011-0411)', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({ tls: { certificate, key } });
    expect(codes(await converse(port, 'EHLO c\r\nSTARTTLS\r\nMAIL FROM:<x@y.example>\r\n'))).toBe('220 250 500');
  });

  it('takes mail under TLS and forgets what was said before', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({ tls: { certificate, key } });
    const client = createTransport({ host: '127.0.0.1', port, requireTLS: true, tls: { rejectUnauthorized: false } });
    await client.sendMail({ envelope: { from: 'a@b.example', to: ['u@x.example'] }, raw: 'Subject: x\r\n\r\ny\r\n' });
    client.close();
    expect(taken[0]?.content).toBe('Subject: x\r\n\r\ny\r\n');
  });

  it('speaks TLS from the first octet where it is implicit, and offers no second one (RFC 8314 §3.3)', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({
      tls: { certificate, key, isImplicit: true },
      authentication: { isRequired: true, isAllowedInClear: false },
    });
    const wire = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
    sockets.push(wire);
    let text = '';
    wire.setEncoding('latin1').on('data', (data: string) => (text += data));
    wire.write('EHLO c\r\nMAIL FROM:<a@b.example>\r\nSTARTTLS\r\nQUIT\r\n');
    await once(wire, 'end');
    expect(codes(text)).toBe('220 250 530 502 221');
    expect(text).toContain('AUTH SCRAM-SHA-256 PLAIN LOGIN');
    expect(text).not.toContain('STARTTLS');

    const client = createTransport({
      host: '127.0.0.1',
      port,
      secure: true,
      tls: { rejectUnauthorized: false },
      auth: { user: 'ada', pass: 'open sesame' },
    });
    await client.sendMail({ envelope: { from: 'a@b.example', to: ['u@x.example'] }, raw: 'Subject: x\r\n\r\ny\r\n' });
    client.close();
    expect(taken[0]?.content).toBe('Subject: x\r\n\r\ny\r\n');
  });

  it('says nothing in clear where TLS is implicit, and forgets who does not begin it', async () => {
    const { cert: certificate, key } = makeCertificate();
    const port = await listen({ tls: { certificate, key, isImplicit: true } });
    expect(codes(await converse(port, 'EHLO c\r\nQUIT\r\n'))).toBe('');
    while (receiver!.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('lets an open transaction end before it stops', async () => {
    const port = await listen();
    const socket = connect({ port, host: '127.0.0.1' });
    sockets.push(socket);
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.write(`${ENVELOPE}DATA\r\n`);
    while (!text.includes('354')) await once(socket, 'data');
    const stopped = receiver!.stop(10_000);
    socket.write('a\r\n.\r\n');
    await once(socket, 'close');
    await stopped;
    expect(codes(text)).toBe('220 250 250 250 354 250 421');
    expect(taken.length).toBe(1);
  });
});
