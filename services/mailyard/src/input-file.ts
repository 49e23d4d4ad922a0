import { createReadStream } from 'node:fs';
import type { CommandIo } from './io.ts';

/**
 * Reads a file whole, or standard input when its name is `-`, and never more of it than it may have.
 *
 * @throws Error when it cannot be read, or has more than `limit` octets
 */
export async function readInput(name: string, io: Pick<CommandIo, 'stdin'>, limit: number): Promise<Buffer> {
  const source: AsyncIterable<string | Buffer> = name === '-' ? io.stdin : createReadStream(name);
  const pieces: Buffer[] = [];
  let octets = 0;
  for await (const piece of source) {
    const part = typeof piece === 'string' ? Buffer.from(piece) : piece;
    octets += part.length;
    if (octets > limit) throw new Error(`${name === '-' ? 'standard input' : name} has more than ${limit} octets`);
    pieces.push(part);
  }
  return Buffer.concat(pieces);
}

/** The most octets of a file of settings or rows, which people write. */
const TEXT_OCTETS = 16 * 1024 * 1024;

/** Reads a text in UTF-8 like {@link readInput}. */
export async function readTextInput(name: string, io: Pick<CommandIo, 'stdin'>): Promise<string> {
  return decodeText(await readInput(name, io, TEXT_OCTETS), name);
}

function decodeText(octets: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw new Error(`${name === '-' ? 'standard input' : name} is not UTF-8`);
  }
}
