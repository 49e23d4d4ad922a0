import { closeSync, fstatSync, mkdirSync, openSync, renameSync, write, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogSink } from './log-sink.ts';

const FLUSH_MS = 100;
const FLUSH_CHARACTERS = 65_536;
/** With a disk that does not keep up, lines are left out rather than memory filled; how many is said. */
const MOST_CHARACTERS = 16_777_216;

export interface LogFileOptions {
  /** Above this the file is moved to `NAME.1`, that to `NAME.2`, and so on. */
  readonly rotateOctets: number;
  /** How many such files are kept. */
  readonly keep: number;
}

export const ROTATION: LogFileOptions = { rotateOctets: 268_435_456, keep: 8 };

/** A log file, written in few and large writes off the event loop, and at exit whatever is left. */
export class LogFile implements LogSink {
  readonly #path: string;
  readonly #options: LogFileOptions;
  readonly #failed: (error: Error) => void;
  readonly #atExit = (): void => this.#flushNow();
  #descriptor: number;
  #sizeOctets: number;
  #text = '';
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #mustReopen = false;

  /** @param failed told once for each write that failed; its lines are lost */
  constructor(path: string, options: LogFileOptions, failed: (error: Error) => void) {
    this.#path = path;
    this.#options = options;
    this.#failed = failed;
    mkdirSync(dirname(path), { recursive: true });
    this.#descriptor = openSync(path, 'a', 0o640);
    this.#sizeOctets = fstatSync(this.#descriptor).size;
    process.on('exit', this.#atExit);
  }

  write(line: string): void {
    if (this.#text.length > MOST_CHARACTERS) {
      this.#lost += 1;
      return;
    }
    this.#text += line + '\n';
    if (this.#text.length >= FLUSH_CHARACTERS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Goes on in a new file of the same name; a write under way ends in the old one first. */
  reopen(): void {
    if (this.#writing !== undefined) {
      this.#mustReopen = true;
      return;
    }
    this.#mustReopen = false;
    this.#flushNow();
    try {
      const descriptor = openSync(this.#path, 'a', 0o640);
      closeSync(this.#descriptor);
      this.#descriptor = descriptor;
      this.#sizeOctets = fstatSync(descriptor).size;
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  async close(): Promise<void> {
    process.off('exit', this.#atExit);
    // What came during a write begins another one.
    while (this.#writing !== undefined) await this.#writing;
    this.#flushNow();
    closeSync(this.#descriptor);
  }

  #take(): Buffer {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lost > 0) {
      this.#text += `${this.#lost} lines lost: the log's disk did not keep up\n`;
      this.#lost = 0;
    }
    const octets = Buffer.from(this.#text);
    this.#text = '';
    return octets;
  }

  /** One write at a time; lines that come meanwhile make up the next one. */
  #flush(): void {
    if (this.#writing !== undefined || this.#text === '') return;
    this.#writing = this.#writeAll(this.#take()).then(() => {
      this.#writing = undefined;
      if (this.#mustReopen) this.reopen();
      if (this.#sizeOctets >= this.#options.rotateOctets) this.#rotate();
      if (this.#text !== '') this.#flush();
    });
  }

  #writeAll(octets: Buffer): Promise<void> {
    return new Promise((resolve) => {
      const next = (from: number): void =>
        write(this.#descriptor, octets, from, octets.length - from, null, (error, written) => {
          if (error !== null) this.#failed(error);
          else this.#sizeOctets += written;
          if (error !== null || from + written === octets.length) resolve();
          else next(from + written);
        });
      next(0);
    });
  }

  #flushNow(): void {
    if (this.#text === '') return;
    const octets = this.#take();
    try {
      for (let from = 0; from < octets.length; ) from += writeSync(this.#descriptor, octets, from);
      this.#sizeOctets += octets.length;
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #rotate(): void {
    const { keep } = this.#options;
    for (let number = keep - 1; number >= 0; number--) {
      try {
        renameSync(number === 0 ? this.#path : `${this.#path}.${number}`, `${this.#path}.${number + 1}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed(error as Error);
      }
    }
    this.reopen();
  }
}
