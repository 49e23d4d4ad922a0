import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';
import { type Authentication, type AuthenticationStep, startAuthentication } from './sink-authentication.ts';
import {
  type SinkAnswer,
  type SinkContext,
  type SinkRecipient,
  type SinkStep,
  USUAL_CAPABILITIES,
} from './sink-script.ts';
import type { SinkRecord } from './sink-record.ts';

const END_OF_DATA = Buffer.from('\r\n.\r\n');
const COMMAND_LIMIT_OCTETS = 65_536;

/** One session of a sink: reads commands one by one, asks the script, answers. */
export class SinkSession {
  readonly #sink: SinkRecord;
  readonly #number: number;
  #socket: Socket;
  #input: Buffer = Buffer.alloc(0);
  #output = '';
  #mode: 'command' | 'data' | 'auth' = 'command';
  #busy = false;
  #ended = false;
  #hung = false;
  #helo = '';
  #secure = false;
  #username: string | undefined;
  #authentication: Authentication | undefined;
  /** The AUTH command of the exchange: what the script is asked about once it ended. */
  #authLine = '';
  #reversePath: string | undefined;
  #mailParameters: readonly string[] = [];
  #recipients: SinkRecipient[] = [];
  #rcptCount = 0;
  #mailCount = 0;
  /** Content of the message being received; pieces, so that large ones are not copied again and again. */
  #pieces: Buffer[] = [];
  #content: Buffer | undefined;
  readonly #client: SinkContext['client'];

  constructor(sink: SinkRecord, number: number, socket: Socket) {
    this.#sink = sink;
    this.#number = number;
    this.#socket = socket;
    this.#client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.#listen(socket);
    this.#run(() => this.#answer('connect', '', `220 ${this.#name} ESMTP sink`));
  }

  get #name(): string {
    return this.#sink.options.name ?? 'sink.test';
  }

  reset(): void {
    this.#ended = true;
    if (this.#socket instanceof TLSSocket) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #listen(socket: Socket): void {
    socket.on('error', () => {
      this.#ended = true;
    });
    socket.on('close', () => {
      this.#ended = true;
    });
    socket.on('data', (chunk: Buffer) => {
      if (this.#hung) return;
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
      if (!this.#busy) this.#run(() => undefined);
    });
  }

  /** Runs a step, then all commands that are there. A step that waits holds up the session until it is done. */
  #run(step: () => undefined | Promise<void>): void {
    this.#busy = true;
    const done = (): void => {
      this.#busy = false;
      this.#flush();
    };
    const proceed = (): void => {
      while (!this.#ended && !this.#hung) {
        const pending = this.#next();
        if (pending === undefined) break;
        if (pending instanceof Promise) {
          void pending.then(proceed, () => this.reset());
          return;
        }
      }
      done();
    };
    const pending = step();
    if (pending instanceof Promise) void pending.then(proceed, () => this.reset());
    else proceed();
  }

  #flush(): void {
    if (this.#output.length > 0 && !this.#socket.destroyed) this.#socket.write(this.#output);
    this.#output = '';
  }

  /** Handles the next command or the next piece of data. Undefined when there is nothing to handle yet. */
  #next(): 'handled' | Promise<void> | undefined {
    if (this.#mode === 'data') return this.#takeData();
    const end = this.#input.indexOf('\r\n');
    if (end < 0) {
      if (this.#input.length > COMMAND_LIMIT_OCTETS) this.reset();
      return undefined;
    }
    const line = this.#input.toString('utf8', 0, end);
    this.#input = this.#input.subarray(end + 2);
    return (this.#mode === 'auth' ? this.#respond(line) : this.#command(line)) ?? 'handled';
  }

  #command(line: string): undefined | Promise<void> {
    const verb = /^[A-Za-z]*/.exec(line)![0].toUpperCase();
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        return this.#greet(line, verb);
      case 'STARTTLS':
        return this.#startTls(line);
      case 'AUTH':
        return this.#authenticate(line);
      case 'MAIL':
        return this.#mail(line);
      case 'RCPT':
        return this.#rcpt(line);
      case 'DATA':
        return this.#data(line);
      case 'RSET':
        this.#clear();
        return this.#answer('rset', line, '250 2.0.0 Ok');
      case 'NOOP':
        this.#output += '250 2.0.0 Ok\r\n';
        return undefined;
      case 'QUIT':
        return this.#answer('quit', line, '221 2.0.0 Bye', () => this.#close());
      default:
        this.#output += '500 5.5.2 Command unknown\r\n';
        return undefined;
    }
  }

  #greet(line: string, verb: 'EHLO' | 'HELO'): undefined | Promise<void> {
    this.#helo = line.slice(5).trim();
    this.#clear();
    if (verb === 'HELO') return this.#answer('ehlo', line, `250 ${this.#name}`);
    const { capabilities, tls, authentication } = this.#sink.options;
    const words = [...(capabilities ?? USUAL_CAPABILITIES)];
    if (tls !== undefined && tls !== false && !this.#secure) words.push('STARTTLS');
    if (authentication !== undefined) words.push(`AUTH ${authentication.mechanisms.join(' ')}`);
    const lines = [this.#name, ...words];
    const text = lines.map((word, i) => `250${i === lines.length - 1 ? ' ' : '-'}${word}`).join('\r\n');
    return this.#answer('ehlo', line, text);
  }

  #startTls(line: string): undefined | Promise<void> {
    const { certificate } = this.#sink;
    if (certificate === undefined || this.#secure) return this.#answer('starttls', line, '502 5.5.1 Not available');
    return this.#answer('starttls', line, '220 2.0.0 Go ahead', () => {
      this.#flush();
      const plain = this.#socket;
      plain.removeAllListeners('data');
      this.#input = Buffer.alloc(0);
      this.#secure = true;
      this.#helo = '';
      const requestCert = this.#sink.options.asksForCertificate === true;
      const { key, cert } = certificate;
      this.#socket = new TLSSocket(plain, { isServer: true, key, cert, requestCert, rejectUnauthorized: false });
      this.#listen(this.#socket);
    });
  }

  #authenticate(line: string): undefined | Promise<void> {
    const { authentication } = this.#sink.options;
    const [, mechanism = '', initial] = line.split(' ');
    if (authentication === undefined || !authentication.mechanisms.includes(mechanism.toUpperCase())) {
      return this.#answer('auth', line, '504 5.5.4 Mechanism unknown');
    }
    const started = startAuthentication(mechanism.toUpperCase(), authentication.username, authentication.password);
    if (started === undefined) return this.#answer('auth', line, '504 5.5.4 Mechanism unknown');
    this.#authentication = started.next;
    this.#authLine = line;
    if (initial !== undefined) return this.#judge(started.next(decode(initial === '=' ? '' : initial)));
    return this.#judge({ challenge: started.first ?? '' });
  }

  #respond(line: string): undefined | Promise<void> {
    this.#mode = 'command';
    if (line === '*' || this.#authentication === undefined) {
      this.#output += '501 5.7.0 Cancelled\r\n';
      return undefined;
    }
    return this.#judge(this.#authentication(decode(line)));
  }

  #judge(step: AuthenticationStep): undefined | Promise<void> {
    if (step === 'refused') return this.#answer('auth', this.#authLine, '535 5.7.8 Authentication credentials invalid');
    if ('username' in step) {
      this.#username = step.username;
      return this.#answer('auth', this.#authLine, '235 2.7.0 Authentication successful');
    }
    this.#mode = 'auth';
    this.#output += `334 ${Buffer.from(step.challenge, 'utf8').toString('base64')}\r\n`;
    return undefined;
  }

  #mail(line: string): undefined | Promise<void> {
    const path = parsePath(line, 'MAIL FROM:');
    if (this.#reversePath !== undefined) return this.#answer('mail', line, '503 5.5.1 Nested MAIL command');
    this.#mailCount++;
    this.#clear();
    if (path === undefined) return this.#answer('mail', line, '501 5.5.4 Syntax');
    return this.#answer('mail', line, '250 2.1.0 Ok', () => {
      this.#reversePath = path.address;
      this.#mailParameters = path.parameters;
      this.#sink.transactions++;
      this.#sink.changed();
    });
  }

  #rcpt(line: string): undefined | Promise<void> {
    const path = parsePath(line, 'RCPT TO:');
    this.#rcptCount++;
    if (this.#reversePath === undefined) return this.#answer('rcpt', line, '503 5.5.1 Need MAIL command');
    if (path === undefined) return this.#answer('rcpt', line, '501 5.5.4 Syntax');
    const { recipientLimit } = this.#sink.options;
    if (recipientLimit !== undefined && this.#recipients.length >= recipientLimit) {
      return this.#answer('rcpt', line, '452 4.5.3 Too many recipients');
    }
    return this.#answer('rcpt', line, '250 2.1.5 Ok', () => {
      this.#recipients.push({ forwardPath: path.address, parameters: path.parameters });
    });
  }

  #data(line: string): undefined | Promise<void> {
    if (this.#reversePath === undefined) return this.#answer('data', line, '503 5.5.1 Need MAIL command');
    if (this.#recipients.length === 0)
      return this.#answer('data', line, '554 5.5.1 No valid recipients', undefined, true);
    return this.#answer('data', line, '354 End data with <CR><LF>.<CR><LF>', undefined, true);
  }

  /** Looks for the end of the data; what was searched already is kept apart, less the four octets that may begin it. */
  #takeData(): 'handled' | Promise<void> | undefined {
    const first = this.#pieces.length === 0;
    const input = first ? Buffer.concat([END_OF_DATA.subarray(0, 2), this.#input]) : this.#input;
    const end = input.indexOf(END_OF_DATA);
    if (end < 0) {
      const searched = Math.max(0, input.length - 4);
      if (searched > 0) {
        this.#pieces.push(input.subarray(0, searched));
        this.#input = input.subarray(searched);
      }
      return undefined;
    }
    this.#pieces.push(input.subarray(0, end + 2));
    this.#input = input.subarray(end + 5);
    const stuffed = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#mode = 'command';
    // The CRLF put in front at the start lets the search and the removal of dots treat the first line like any other.
    const hasDots = stuffed.includes('\r\n.');
    this.#content = hasDots
      ? Buffer.from(stuffed.toString('latin1').replaceAll('\r\n.', '\r\n').slice(2), 'latin1')
      : stuffed.subarray(2);
    return this.#finish() ?? 'handled';
  }

  #finish(): undefined | Promise<void> {
    const pending = this.#answer('dot', '', '250 2.0.0 Ok: taken', () => this.#keep());
    const after = (): undefined | Promise<void> => {
      this.#flush();
      if (this.#ended || this.#hung || this.#sink.options.onStep === undefined) return this.#clear();
      const waiting = this.#answer('after', '', '');
      if (waiting instanceof Promise) return waiting.then(() => this.#clear());
      return this.#clear();
    };
    return pending instanceof Promise ? pending.then(after) : after();
  }

  #keep(): void {
    const content = this.#content!;
    const { keep = 'content' } = this.#sink.options;
    if (keep !== 'none') {
      this.#sink.messages.push({
        session: this.#number,
        helo: this.#helo,
        client: this.#client,
        secure: this.#secure,
        serverName: this.#serverName,
        clientName: this.#clientName,
        username: this.#username,
        reversePath: this.#reversePath!,
        mailParameters: this.#mailParameters,
        recipients: this.#recipients,
        content: keep === 'content' ? content : Buffer.alloc(0),
        sizeOctets: content.length,
      });
    }
    this.#sink.accepted++;
    this.#sink.recipients += this.#recipients.length;
    this.#sink.changed();
  }

  get #serverName(): string | undefined {
    const { servername = false } = this.#socket as { readonly servername?: string | false };
    return servername === false ? undefined : servername;
  }

  get #clientName(): string | undefined {
    if (!(this.#socket instanceof TLSSocket)) return undefined;
    return this.#socket.getPeerX509Certificate()?.subject.replace(/^CN=/, '');
  }

  #clear(): undefined {
    this.#reversePath = undefined;
    this.#mailParameters = [];
    this.#recipients = [];
    this.#rcptCount = 0;
    this.#content = undefined;
    return undefined;
  }

  /**
   * Asks the script, then answers. `onPositive` is done before a reply below 400 goes out, `data` tells that a 354
   * begins the content.
   */
  #answer(
    step: SinkStep,
    line: string,
    usual: string,
    onPositive?: () => void,
    data = false,
  ): undefined | Promise<void> {
    const { onStep } = this.#sink.options;
    if (onStep === undefined) return this.#give(usual, {}, onPositive, data);
    const scripted = onStep(this.#context(step, line));
    if (scripted === undefined) return this.#give(usual, {}, onPositive, data);
    if (!(scripted instanceof Promise)) return this.#give(usual, scripted, onPositive, data);
    return scripted.then((answer) => this.#give(usual, answer ?? {}, onPositive, data));
  }

  #give(
    usual: string,
    scripted: SinkAnswer | string,
    onPositive: (() => void) | undefined,
    data: boolean,
  ): undefined | Promise<void> {
    const answer = typeof scripted === 'string' ? { reply: scripted } : scripted;
    if ((answer.delayMs ?? 0) > 0) {
      const { delayMs, ...rest } = answer;
      return wait(delayMs).then(() => this.#give(usual, rest, onPositive, data));
    }
    const reply = answer.reply ?? (answer.end === undefined ? usual : '');
    if (reply !== '' && answer.trickleMs !== undefined) {
      return this.#trickle(reply, answer.trickleMs).then(() => this.#conclude(reply, answer, onPositive, data));
    }
    // Written before what it stands for takes effect, so that a STARTTLS still goes out in the clear.
    if (reply !== '') this.#output += `${reply}\r\n`;
    this.#conclude(reply, answer, onPositive, data);
    return undefined;
  }

  #conclude(reply: string, answer: SinkAnswer, onPositive: (() => void) | undefined, data: boolean): void {
    if (/^[23]/.test(reply)) {
      if (data && reply.startsWith('3')) this.#mode = 'data';
      onPositive?.();
    }
    if (answer.end === undefined) return;
    this.#flush();
    if (answer.end === 'hang') this.#hung = true;
    else if (answer.end === 'reset') this.reset();
    else this.#close();
  }

  async #trickle(reply: string, everyMs: number): Promise<void> {
    this.#flush();
    for (const octet of `${reply}\r\n`) {
      if (this.#ended) return;
      this.#socket.write(octet);
      await wait(everyMs);
    }
  }

  #close(): void {
    this.#flush();
    this.#ended = true;
    this.#socket.end();
  }

  #context(step: SinkStep, line: string): SinkContext {
    return {
      step,
      session: this.#number,
      line,
      helo: this.#helo,
      secure: this.#secure,
      reversePath: this.#reversePath,
      recipients: this.#recipients,
      rcptCount: this.#rcptCount,
      mailCount: this.#mailCount,
      content: this.#content,
      client: this.#client,
    };
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** Takes `MAIL FROM:<path> parameters` apart; undefined when it has not that form. */
function parsePath(line: string, prefix: string): { address: string; parameters: string[] } | undefined {
  if (line.slice(0, prefix.length).toUpperCase() !== prefix) return undefined;
  const match = /^<((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>(?: (.*))?$/.exec(line.slice(prefix.length).trim());
  if (match === null) return undefined;
  return { address: match[1]!, parameters: match[2] === undefined ? [] : match[2].split(' ') };
}
