/**
 * A bare SMTP client that sends many messages: `node injector.ts JSON`, where the JSON is an {@link Injection}. Prints
 * an {@link InjectionResult} as JSON; fails on the first refusal.
 *
 * Sessions stay open, commands are not pipelined, the envelope's replies are waited for one by one, as smtp-source does.
 */
import { connect, type Socket } from 'node:net';
import { domainOf } from './workloads.ts';
import { quantile } from './statistics.ts';

export interface Injection {
  readonly port: number;
  readonly sessions: number;
  readonly messages: number;
  readonly sizeOctets: number;
  readonly domains: number;
  /** Number of the first domain; 0. */
  readonly firstDomain?: number;
  /** One recipient in a domain of its turn, instead of one in each of the domains. */
  readonly inTurn?: boolean;
  /** Messages a second that are offered, whatever the answers take; absent: each session as fast as it goes. */
  readonly rate?: number;
}

/** Milliseconds from the last octet of the final dot handed to the kernel to its 250. */
export interface InjectionResult {
  readonly messages: number;
  readonly seconds: number;
  readonly dotMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** From the instant at which the message was due to its 250: what waits for a free session is late, too. */
  readonly dueMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const injection = JSON.parse(process.argv[2] ?? '{}') as Injection;
const { port, messages, domains, firstDomain = 0, inTurn = false, rate } = injection;
const body = Buffer.from(
  'From: <sender@client.load.test>\r\nTo: <list@load.test>\r\nSubject: load\r\n\r\n' +
    `${'X'.repeat(78)}\r\n`.repeat(Math.ceil(injection.sizeOctets / 80)) +
    '.\r\n',
);
const dotMs: number[] = [];
const dueMs: number[] = [];
const idle: Session[] = [];
/** Instants at which messages were due that no session was free for. */
const waiting: number[] = [];
let given = 0;

/** One connection: greets, then sends whatever it is given, one message at a time. */
class Session {
  readonly #socket: Socket;
  #unread = '';
  #step: 'greeting' | 'ehlo' | 'idle' | 'rcpt' | 'data' | 'dot' = 'greeting';
  #commands: string[] = [];
  #dotAt = 0;
  #dueAt = 0;

  constructor() {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('close', () => fail('a connection was closed'));
  }

  send(number: number, dueAt: number): void {
    this.#dueAt = dueAt;
    const recipients = inTurn
      ? [`${number}u@${domainOf(firstDomain + (number % domains))}`]
      : Array.from({ length: domains }, (_, at) => `${number}u${at}@${domainOf(firstDomain + at)}`);
    this.#commands = [...recipients.map((recipient) => `RCPT TO:<${recipient}>\r\n`), 'DATA\r\n'].reverse();
    this.#step = 'rcpt';
    this.#socket.write('MAIL FROM:<sender@client.load.test>\r\n');
  }

  #read(text: string): void {
    this.#unread += text;
    for (let end = this.#unread.indexOf('\r\n'); end >= 0; end = this.#unread.indexOf('\r\n')) {
      const line = this.#unread.slice(0, end);
      this.#unread = this.#unread.slice(end + 2);
      if (line[3] !== '-') this.#answer(line);
    }
  }

  #answer(line: string): void {
    if (line.charCodeAt(0) > 0x33) fail(line);
    if (this.#step === 'greeting') {
      this.#step = 'ehlo';
      this.#socket.write('EHLO client.load.test\r\n');
    } else if (this.#step === 'ehlo') this.#rest();
    else if (this.#step === 'rcpt') {
      const command = this.#commands.pop()!;
      if (this.#commands.length === 0) this.#step = 'data';
      this.#socket.write(command);
    } else if (this.#step === 'data') {
      this.#step = 'dot';
      this.#dotAt = performance.now();
      this.#socket.write(body);
    } else if (this.#step === 'dot') {
      const now = performance.now();
      dotMs.push(now - this.#dotAt);
      dueMs.push(now - this.#dueAt);
      if (dotMs.length === messages) finish();
      this.#rest();
    }
  }

  #rest(): void {
    this.#step = 'idle';
    if (rate === undefined) {
      if (given < messages) this.send(given++, performance.now());
    } else {
      const dueAt = waiting.shift();
      if (dueAt === undefined) idle.push(this);
      else this.send(given++, dueAt);
    }
  }
}

function fail(reason: string): void {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

function finish(): void {
  const spread = (values: number[]): InjectionResult['dotMs'] => {
    values.sort((a, b) => a - b);
    return { p50: quantile(values, 0.5), p99: quantile(values, 0.99), max: values.at(-1)! };
  };
  const seconds = (performance.now() - began) / 1000;
  const result: InjectionResult = { messages, seconds, dotMs: spread(dotMs), dueMs: spread(dueMs) };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

const began = performance.now();
const sessions = Array.from({ length: injection.sessions }, () => new Session());
if (rate !== undefined && sessions.length > 0) {
  let due = 0;
  setInterval(() => {
    for (const now = performance.now(); due < messages && began + (due / rate) * 1000 <= now; due++) {
      const dueAt = began + (due / rate) * 1000;
      const session = idle.pop();
      if (session === undefined) waiting.push(dueAt);
      else session.send(given++, dueAt);
    }
  }, 1);
}
