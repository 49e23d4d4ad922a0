import type { LogSink } from './log-sink.ts';

const FLUSH_MS = 100;
const FLUSH_CHARACTERS = 16_384;

/** Lines to a stream that somebody else opened, standard output as a rule, in few writes. */
export class LogStream implements LogSink {
  readonly #stream: NodeJS.WritableStream;
  readonly #atExit = (): void => this.#flush();
  #text = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    process.on('exit', this.#atExit);
  }

  write(line: string): void {
    this.#text += line + '\n';
    if (this.#text.length >= FLUSH_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  reopen(): void {
    this.#flush();
  }

  close(): Promise<void> {
    process.off('exit', this.#atExit);
    this.#flush();
    return Promise.resolve();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === '') return;
    this.#stream.write(this.#text);
    this.#text = '';
  }
}
