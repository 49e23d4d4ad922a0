import { close, constants, fdatasync, fstat, ftruncate, open, write } from 'node:fs';
import { promisify } from 'node:util';

/** A segment file that is being written. Every call settles only once its effect is durable. */
export interface SegmentFile {
  /** Writes all octets at the position. A failure carries `written`: octets taken before it. */
  write(octets: Buffer, position: number): Promise<void>;
  sizeOctets(): Promise<number>;
  truncate(sizeOctets: number): Promise<void>;
  close(): Promise<void>;
}

/** A write that failed, and how much of it the file took before. */
export class WriteFailure extends Error {
  readonly written: number;
  readonly code: string;

  constructor(cause: NodeJS.ErrnoException, written: number) {
    super(cause.message, { cause });
    this.code = cause.code ?? '';
    this.written = written;
  }
}

const opened = promisify(open);
const closed = promisify(close);
const statted = promisify(fstat);
const truncated = promisify(ftruncate);
const synced = promisify(fdatasync);

/**
 * Opens a segment for writing. O_DSYNC: one system call both writes and syncs, in one hop to the thread pool.
 *
 * @param create whether the file must not exist yet
 */
export async function openSegmentFile(path: string, create: boolean): Promise<SegmentFile> {
  const { O_WRONLY, O_DSYNC, O_CREAT, O_EXCL } = constants;
  const fd = await opened(path, O_WRONLY | O_DSYNC | (create ? O_CREAT | O_EXCL : 0), 0o600);
  return {
    write: (octets, position) =>
      new Promise((resolve, reject) => {
        let done = 0;
        const next = (): void =>
          write(fd, octets, done, octets.length - done, position + done, (error, count) => {
            if (error !== null) return reject(new WriteFailure(error, done));
            done += count;
            return done === octets.length ? resolve() : next();
          });
        next();
      }),
    sizeOctets: async () => (await statted(fd)).size,
    truncate: async (sizeOctets) => {
      await truncated(fd, sizeOctets);
      await synced(fd);
    },
    close: () => closed(fd),
  };
}
