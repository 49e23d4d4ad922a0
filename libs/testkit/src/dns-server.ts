/**
 * A DNS server for tests: answers from a zone that a test may change at any time, over UDP and TCP, and misbehaves where
 * the zone says so. It answers like a recursive resolver would: aliases are followed inside the zone.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { findName, isSecureChain, type Zone, type ZoneName } from './zone.ts';

const TYPES = new Map([
  [1, 'A'],
  [5, 'CNAME'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [52, 'TLSA'],
]);
const UDP_LIMIT_OCTETS = 512;
const SERVFAIL = 2;
const NXDOMAIN = 3;
const REFUSED = 5;

export class DnsServer {
  zone: Zone;
  readonly port: number;
  /** Every question asked, as `TYPE name`, a repeat over TCP not counted. */
  readonly questions: string[] = [];
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #connections = new Set<Socket>();

  private constructor(zone: Zone, udp: UdpSocket, tcp: Server) {
    this.zone = zone;
    this.#udp = udp;
    this.#tcp = tcp;
    this.port = (tcp.address() as AddressInfo).port;
    udp.on('message', (query, { port, address }) => {
      const reply = this.#answer(query, UDP_LIMIT_OCTETS);
      if (reply !== undefined) udp.send(reply, port, address);
    });
    tcp.on('connection', (socket) => this.#serve(socket));
  }

  /** `HOST:PORT`, as settings take it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  static async start(zone: Zone = {}): Promise<DnsServer> {
    for (let tries = 0; ; tries++) {
      const tcp = createServer().listen(0, '127.0.0.1');
      await once(tcp, 'listening');
      const udp = createSocket('udp4');
      try {
        udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1');
        await once(udp, 'listening');
        return new DnsServer(zone, udp, tcp);
      } catch (error) {
        // The number that is free for TCP is taken for UDP.
        tcp.close();
        if (tries === 10) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    this.#tcp.close();
    this.#udp.close();
    await Promise.all([once(this.#tcp, 'close'), once(this.#udp, 'close')]);
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    socket.on('close', () => this.#connections.delete(socket));
    socket.on('error', () => socket.destroy());
    let input = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      while (input.length >= 2 && input.length >= 2 + input.readUInt16BE(0)) {
        const end = 2 + input.readUInt16BE(0);
        const reply = this.#answer(input.subarray(2, end), Number.POSITIVE_INFINITY);
        input = input.subarray(end);
        if (reply !== undefined) socket.write(Buffer.concat([number(reply.length), reply]));
      }
    });
  }

  #answer(query: Buffer, limitOctets: number): Buffer | undefined {
    const { name, type, end } = readQuestion(query);
    const typeName = TYPES.get(type) ?? String(type);
    if (limitOctets === UDP_LIMIT_OCTETS) this.questions.push(`${typeName} ${name}`);
    const question = query.subarray(12, end);
    const { chain, found } = findName(this.zone, name);
    const fault = found?.faultTypes?.includes(typeName) === false ? undefined : found?.fault;
    if (fault === 'silent') return undefined;
    if (fault === 'garbage') return Buffer.concat([query.subarray(0, 2), Buffer.from('nonsense')]);
    if (fault === 'servfail') return message(query, question, SERVFAIL, []);
    if (fault === 'refused') return message(query, question, REFUSED, []);
    const ttl = found?.ttl ?? 60;
    const answers = chain.slice(1).map((target, i) => record(chain[i]!, 5, ttl, nameOctets(target)));
    if (found !== undefined && typeName !== 'CNAME') answers.push(...records(found, typeName, chain.at(-1)!, ttl));
    const reply = message(query, question, found === undefined ? NXDOMAIN : 0, answers);
    // What a resolver that validates says to those who ask for it (RFC 6840 §5.7).
    if ((query[3]! & 0x20) !== 0 && isSecureChain(this.zone, chain)) reply[3] = reply[3]! | 0x20;
    if (reply.length <= limitOctets) return reply;
    const truncated = message(query, question, 0, []);
    truncated[2] = truncated[2]! | 0x02;
    return truncated;
  }
}

function records(found: ZoneName, typeName: string, owner: string, ttl: number): Buffer[] {
  switch (typeName) {
    case 'A':
      return (found.a ?? []).map((address) => record(owner, 1, ttl, Buffer.from(address.split('.').map(Number))));
    case 'AAAA':
      return (found.aaaa ?? []).map((address) => record(owner, 28, ttl, ipv6Octets(address)));
    case 'MX':
      return (found.mx ?? []).map(([preference, exchange]) =>
        record(owner, 15, ttl, Buffer.concat([number(preference), nameOctets(exchange)])),
      );
    case 'TXT':
      return (found.txt ?? []).map((text) => {
        const strings = (typeof text === 'string' ? [text] : text).map((one) => Buffer.from(one));
        return record(owner, 16, ttl, Buffer.concat(strings.flatMap((one) => [Buffer.from([one.length]), one])));
      });
    case 'TLSA':
      return (found.tlsa ?? []).map(([usage, selector, matching, data]) =>
        record(owner, 52, ttl, Buffer.concat([Buffer.from([usage, selector, matching]), Buffer.from(data, 'hex')])),
      );
    default:
      return [];
  }
}

function message(query: Buffer, question: Buffer, code: number, answers: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  // A response, recursion desired and available.
  header[2] = 0x81;
  header[3] = 0x80 | code;
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, question, ...answers]);
}

function record(owner: string, type: number, ttl: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameOctets(owner), fixed, data]);
}

function nameOctets(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

function ipv6Octets(address: string): Buffer {
  if (!isIPv6(address)) throw new Error(`${address} is no IPv6 address`);
  const [head = '', tail] = address.split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return Buffer.concat([...left, ...middle, ...right].map((group) => number(Number.parseInt(group, 16))));
}

function number(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at]! > 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
    at += 1 + query[at]!;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}
