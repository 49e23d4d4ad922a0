import { createInterface, type Interface } from 'node:readline';
import { type CommandIo, isTyped } from './io.ts';
import { Misuse } from './server-command.ts';

/** A person at a terminal of their own; else a script that answers line by line. */
export function isPerson(io: Pick<CommandIo, 'stdin' | 'isTerminal'>): boolean {
  return io.isTerminal && isTyped(io);
}

const OFFERED = 100;
/** As a shell reports a command that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Asks a person, or a script that answers line by line. A person may edit the line, has the earlier ones at the arrow
 * keys and completion at Tab; Ctrl-C takes back the question.
 */
export class Dialogue {
  readonly #io: CommandIo;
  readonly #isPerson: boolean;
  readonly #interface: Interface;
  readonly #lines: string[] = [];
  #wanted: ((line: string | undefined) => void) | undefined;
  #offers: readonly string[] = [];
  #isOver = false;

  constructor(io: CommandIo) {
    this.#io = io;
    this.#isPerson = isPerson(io);
    this.#interface = createInterface(
      this.#isPerson
        ? { input: io.stdin, output: io.stdout, terminal: true, completer: (line: string) => this.#complete(line) }
        : { input: io.stdin, terminal: false },
    );
    this.#interface.on('line', (line) => {
      if (this.#wanted === undefined) this.#lines.push(line);
      else this.#answer(line);
    });
    this.#interface.on('close', () => {
      this.#isOver = true;
      this.#answer(undefined);
    });
    this.#interface.on('SIGINT', () => this.#interrupt());
  }

  /** Nobody is there to answer any more. */
  get isOver(): boolean {
    return this.#isOver && this.#lines.length === 0;
  }

  say(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  /**
   * Asks one line; the default stands in the brackets and is the answer to an empty line.
   *
   * @param offers what Tab completes
   * @returns undefined when the question was taken back, or there is nobody any more
   */
  async ask(question: string, fallback = '', offers: readonly string[] = []): Promise<string | undefined> {
    if (question !== '') this.say(question);
    this.#offers = offers;
    const answer = (await this.prompt(`[${fallback}]> `))?.trim();
    return answer === '' ? fallback : answer;
  }

  /** Asks for yes or no. @returns undefined as {@link ask} does, which is no yes */
  async confirm(question: string, fallback: 'Y' | 'N'): Promise<boolean | undefined> {
    for (;;) {
      const answer = (await this.ask(question, fallback, ['yes', 'no']))?.toLowerCase();
      if (answer === undefined) return undefined;
      if (answer === 'y' || answer === 'yes') return true;
      if (answer === 'n' || answer === 'no') return false;
      this.say('Please answer Y or N.');
    }
  }

  /** Reads a line behind a prompt. */
  async prompt(prompt: string): Promise<string | undefined> {
    if (this.#isPerson && !this.#isOver) {
      this.#interface.setPrompt(prompt);
      this.#interface.prompt();
    } else this.#io.stdout.write(prompt);
    const line = await this.#next();
    if (line === undefined) this.say('');
    // Someone who types sees the line; someone who reads what a script answered should too.
    else if (!this.#isPerson) this.say(line);
    return line;
  }

  #next(): Promise<string | undefined> {
    const line = this.#lines.shift();
    if (line !== undefined || this.#isOver) return Promise.resolve(line);
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  #answer(line: string | undefined): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.(line);
  }

  #interrupt(): void {
    if (this.#wanted === undefined) {
      // Something is under way that does not end; what was sent may still take effect.
      this.#interface.close();
      process.exit(INTERRUPTED);
    }
    // What was typed goes with its question: to the end of the line, then all before it.
    this.#interface.write(null, { ctrl: true, name: 'e' });
    this.#interface.write(null, { ctrl: true, name: 'u' });
    this.#io.stdout.write('^C');
    this.#answer(undefined);
  }

  #complete(line: string): [string[], string] {
    const begun = line.trimStart().toLowerCase();
    const fitting = this.#offers.filter((offer) => offer.toLowerCase().startsWith(begun));
    return [fitting.slice(0, OFFERED), line.trimStart()];
  }

  close(): void {
    this.#interface.close();
  }
}

/** Asks a person for a line; undefined when nobody is there, or the question was taken back. */
export async function askFor(io: CommandIo, question: string): Promise<string | undefined> {
  if (!isTyped(io)) return undefined;
  const dialogue = new Dialogue(io);
  try {
    return await dialogue.ask(question);
  } finally {
    dialogue.close();
  }
}

/**
 * Asks a person whether to go on.
 *
 * @throws Misuse when nobody can be asked
 */
export async function askWhether(io: CommandIo, question: string): Promise<boolean> {
  if (!isTyped(io)) throw new Misuse('nobody is there to be asked; say yes as the last word');
  const dialogue = new Dialogue(io);
  try {
    return (await dialogue.confirm(question, 'N')) === true;
  } finally {
    dialogue.close();
  }
}
