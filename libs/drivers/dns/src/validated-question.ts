import { createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { connect, isIPv6 } from 'node:net';
import { type DnsReply, readReply, writeQuestion } from './dns-message.ts';

interface Server {
  readonly address: string;
  readonly port: number;
}

export interface ValidatedQuestions {
  /** As Node's stub names them: `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
  readonly servers: readonly string[];
  readonly timeoutMs: number;
  readonly tries: number;
}

/**
 * Asks a resolver that validates, and tells whether it has: the AD bit, which Node's stub does not show. It is believed,
 * so nobody may stand between here and the resolver (RFC 4035 §4.9.3); each question has a port and an id of its own.
 *
 * @throws Error with what is wrong when no server gives an answer
 */
export async function askValidated(
  { servers, timeoutMs, tries }: ValidatedQuestions,
  name: string,
  type: number,
): Promise<DnsReply> {
  let last: unknown = new Error('no resolver is known');
  for (let turn = 0; turn < tries; turn++) {
    for (const server of servers.map(serverOf)) {
      try {
        const reply = await overUdp(server, name, type, timeoutMs * 2 ** turn);
        const whole = reply.isTruncated ? await overTcp(server, name, type, timeoutMs) : reply;
        if (whole.code === 0 || whole.code === 3) return whole;
        last = new Error(CODES[whole.code] ?? `error ${whole.code}`);
      } catch (error) {
        last = error;
      }
    }
  }
  throw last;
}

const CODES: Readonly<Record<number, string>> = { 1: 'FORMERR', 2: 'SERVFAIL', 4: 'NOTIMP', 5: 'REFUSED' };

function serverOf(text: string): Server {
  if (isIPv6(text)) return { address: text, port: 53 };
  const [, address, port] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(text)!;
  return { address: address!, port: port === undefined ? 53 : Number(port) };
}

function overUdp({ address, port }: Server, name: string, type: number, timeoutMs: number): Promise<DnsReply> {
  const id = randomInt(0x1_0000);
  const question = writeQuestion(id, name, type);
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise<DnsReply>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('timed out')), timeoutMs);
    const end = (done: () => void): void => {
      clearTimeout(timer);
      done();
    };
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (message) => {
      try {
        const reply = readReply(message, id, name, type);
        if (reply !== undefined) end(() => resolve(reply));
      } catch {
        // Whatever that was: the answer may still come.
      }
    });
    // Connected: the kernel passes on nothing that comes from elsewhere.
    socket.on('connect', () => socket.send(question));
    socket.connect(port, address);
  }).finally(() => socket.close());
}

function overTcp({ address, port }: Server, name: string, type: number, timeoutMs: number): Promise<DnsReply> {
  const id = randomInt(0x1_0000);
  const question = writeQuestion(id, name, type);
  const socket = connect(port, address);
  return new Promise<DnsReply>((resolve, reject) => {
    let input = Buffer.alloc(0);
    socket.setTimeout(timeoutMs, () => reject(new Error('timed out')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('connection closed')));
    socket.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      if (input.length < 2 || input.length < 2 + input.readUInt16BE(0)) return;
      try {
        const reply = readReply(input.subarray(2, 2 + input.readUInt16BE(0)), id, name, type);
        if (reply === undefined) reject(new Error('the answer is to another question'));
        else resolve(reply);
      } catch (error) {
        reject(error);
      }
    });
    socket.write(Buffer.concat([Buffer.from([question.length >> 8, question.length & 0xff]), question]));
  }).finally(() => socket.destroy());
}
