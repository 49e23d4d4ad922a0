import { createInterface, type Interface } from 'node:readline';
import type { CommandIo } from './io.ts';
import { Misuse } from './server-command.ts';

/** Asks a person, or a script that answers line by line. */
export class Dialogue {
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;
  readonly #io: CommandIo;

  constructor(io: CommandIo) {
    this.#io = io;
    this.#interface = createInterface({ input: io.stdin, terminal: false });
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  say(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /**
   * Asks one line; the default stands in the brackets and is the answer to an empty line.
   *
   * @returns undefined when there is nobody any more
   */
  async ask(question: string, fallback = ''): Promise<string | undefined> {
    if (question !== '') this.say(question);
    this.#io.stdout.write(`[${fallback}]> `);
    const { value, done } = await this.#lines.next();
    if (done === true) {
      this.#io.stdout.write('\n');
      return undefined;
    }
    // Someone who types sees the line; someone who reads what a script answered should too.
    if (!this.#io.isTerminal) this.#io.stdout.write(`${value}\n`);
    const answer = value.trim();
    return answer === '' ? fallback : answer;
  }

  /** Asks for yes or no. */
  async confirm(question: string, fallback: 'Y' | 'N'): Promise<boolean> {
    for (;;) {
      const answer = (await this.ask(question, fallback))?.toLowerCase();
      if (answer === undefined) return false;
      if (answer === 'y' || answer === 'yes') return true;
      if (answer === 'n' || answer === 'no') return false;
      this.say('Please answer Y or N.');
    }
  }

  close(): void {
    this.#interface.close();
  }
}

/**
 * Asks a person whether to go on.
 *
 * @throws Misuse when nobody can be asked
 */
export async function askWhether(io: CommandIo, question: string): Promise<boolean> {
  if (!('isTTY' in io.stdin && io.stdin.isTTY === true))
    throw new Misuse('nobody is there to be asked; say yes as the last word');
  const dialogue = new Dialogue(io);
  try {
    return await dialogue.confirm(question, 'N');
  } finally {
    dialogue.close();
  }
}
