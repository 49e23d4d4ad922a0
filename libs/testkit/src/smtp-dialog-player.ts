import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { Dialog, DialogStep } from './smtp-dialog.ts';

/** A message as the server under test took it. */
export interface TakenMessage {
  readonly reversePath: string | null;
  readonly recipients: readonly string[];
  /** `NOTIFY=…`, `ORCPT=…` of the first recipient, as far as given. */
  readonly parameters: readonly string[];
  readonly content: Buffer;
}

/** A server that dialogs are played to. */
export interface DialogServer {
  readonly port: number;
  readonly messages: readonly TakenMessage[];
}

/** How the octets of one write are cut: not at all, at one place, or between all octets. */
export type Cut = 'whole' | 'octets' | { readonly write: number; readonly at: number };

/**
 * Plays a dialog to a server.
 *
 * @throws Error that names the line of the dialog that did not come true
 */
export async function playDialog(server: DialogServer, dialog: Dialog, cut: Cut = 'whole'): Promise<void> {
  const wire = await Wire.open(server.port);
  const taken = server.messages.length;
  let last = '';
  let writes = 0;
  const fail = (step: DialogStep, what: string): never => {
    throw new Error(`${dialog.name}:${step.line}: ${what} (cut: ${JSON.stringify(cut)})`);
  };
  try {
    for (const step of dialog.steps) {
      switch (step.kind) {
        case 'send':
          await wire.send(step.octets, cut, writes++);
          break;
        case 'reply':
          last = await wire
            .reply()
            .catch((error: unknown) => fail(step, `expected ${step.text}, but ${String(error)}`));
          if (!lastLine(last).startsWith(step.text)) fail(step, `expected ${step.text}, got ${JSON.stringify(last)}`);
          break;
        case 'has':
          if (!hasLine(last, step.text)) fail(step, `no line ${step.text} in ${JSON.stringify(last)}`);
          break;
        case 'hasNot':
          if (hasLine(last, step.text)) fail(step, `a line ${step.text} in ${JSON.stringify(last)}`);
          break;
        case 'closed': {
          const more = await wire.end();
          if (more !== '') fail(step, `expected the end, got ${JSON.stringify(more)}`);
          break;
        }
        case 'tls':
          await wire.secure();
          break;
        case 'count': {
          const count = server.messages.length - taken;
          if (count !== step.count) fail(step, `expected ${step.count} messages, the server took ${count}`);
          break;
        }
        default:
          compare(step, server.messages.at(-1), fail);
      }
    }
  } finally {
    wire.close();
  }
}

function compare(
  step: Extract<DialogStep, { kind: 'content' | 'reversePath' | 'recipients' | 'parameters' }>,
  message: TakenMessage | undefined,
  fail: (step: DialogStep, what: string) => never,
): void {
  if (message === undefined) return fail(step, 'no message was taken');
  const [expected, got] =
    step.kind === 'content'
      ? [step.octets.toString('latin1'), message.content.toString('latin1')]
      : step.kind === 'reversePath'
        ? [step.path, message.reversePath]
        : [step.words.join(' '), message[step.kind].join(' ')];
  if (expected !== got) fail(step, `expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
  return undefined;
}

function lastLine(reply: string): string {
  return reply.split('\r\n').at(-2)!;
}

function hasLine(reply: string, text: string): boolean {
  return reply.split('\r\n').some((line) => line.slice(4).toUpperCase() === text.toUpperCase());
}

const PATIENCE_MS = 10_000;

/** One client connection: sends in pieces, reads replies one by one. */
class Wire {
  #socket: Socket;
  #input = '';
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  static async open(port: number): Promise<Wire> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const wire = new Wire(socket);
    await once(socket, 'connect');
    return wire;
  }

  async send(octets: Buffer, cut: Cut, write: number): Promise<void> {
    if (cut === 'octets') {
      // Above some octets the cuts are coarser, else a long line would take a second.
      const size = Math.max(1, Math.floor(octets.length / 2000));
      for (let at = 0; at < octets.length; at += size) await this.#write(octets.subarray(at, at + size));
    } else if (cut !== 'whole' && cut.write === write) {
      await this.#write(octets.subarray(0, cut.at));
      await this.#write(octets.subarray(cut.at));
    } else await this.#write(octets);
  }

  async #write(octets: Buffer): Promise<void> {
    if (this.#ended || this.#socket.destroyed) return;
    // Handed to the kernel, and the server's turn to read it.
    await new Promise<void>((resolve) => this.#socket.write(octets, () => resolve()));
    await turn();
    await turn();
  }

  async reply(): Promise<string> {
    const whole = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/;
    for (;;) {
      const match = whole.exec(this.#input);
      if (match !== null) {
        this.#input = this.#input.slice(match[0].length);
        return match[0];
      }
      if (this.#ended) throw new Error(`the connection ended with ${JSON.stringify(this.#input)}`);
      await this.#change();
    }
  }

  /** Waits for the end of the connection and gives what came before it. */
  async end(): Promise<string> {
    while (!this.#ended) await this.#change();
    return this.#input;
  }

  async secure(): Promise<void> {
    this.#socket.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close');
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    this.#socket = secured;
    this.#listen();
    await once(secured, 'secureConnect');
  }

  close(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on('data', (chunk: Buffer) => {
      this.#input += chunk.toString('latin1');
      this.#wake();
    });
    this.#socket.on('end', end).on('close', end).on('error', end);
  }

  async #change(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => reject(new Error(`silence after ${JSON.stringify(this.#input)}`)), PATIENCE_MS);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
