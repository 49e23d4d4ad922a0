import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writePrivateFile } from '@mailyard/credentials';
import { z } from 'zod';

const KEPT = z.strictObject({
  /** The hash of its id. */
  key: z.string(),
  user: z.string(),
  /** The hash of the password's hash that it began with. */
  mark: z.string(),
  beganAt: z.number(),
  seenAt: z.number(),
});
const FILE = z.strictObject({ sessions: z.array(KEPT) });

/** A session as it is kept: nobody gets in with what stands here. */
export type KeptSession = z.infer<typeof KEPT>;

/** The sessions of this process in a file that only its owner may read, so that a restart signs nobody out. */
export class SessionFile {
  readonly #file: string;
  readonly #report: (error: unknown) => void;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param report told of a file that cannot be read or written; the sessions then live as long as the process */
  constructor(file: string, report: (error: unknown) => void) {
    this.#file = file;
    this.#report = report;
  }

  /** What was kept; nothing when there is no file, or one that is not understood. */
  async read(): Promise<readonly KeptSession[]> {
    try {
      return FILE.parse(JSON.parse(await readFile(this.#file, 'utf8'))).sessions;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#report(error);
      return [];
    }
  }

  /** Writes what `list` gives when its turn comes: all who call while one write is under way share the next. */
  write(list: () => readonly KeptSession[]): Promise<void> {
    if (this.#writing === undefined) {
      this.#writing = this.#write(list()).finally(() => {
        this.#writing = undefined;
      });
      return this.#writing;
    }
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined;
      return this.write(list);
    });
    return this.#next;
  }

  async #write(sessions: readonly KeptSession[]): Promise<void> {
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      await writePrivateFile(this.#file, `${JSON.stringify({ sessions })}\n`);
    } catch (error) {
      this.#report(error);
    }
  }
}
